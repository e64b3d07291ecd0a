// A TCP proxy on loopback that makes the line long, counts what passes, and can break it. Node's own modules only.
import { connect, createServer } from 'node:net';

/** Bytes that may wait in one direction before the sender is made to wait. */
const queueLimit = 1024 * 1024;

/**
 * @typedef {{ connection: number, direction: 'up' | 'down', atMs: number, bytes: number }} Burst what one side said before the other one spoke; `up` is from client to server
 */

/**
 * Starts a proxy in front of a server.
 *
 * @param {object} options
 * @param {{ host: string, port: number }} options.target
 * @param {number} [options.delayMs] round trip to add: half of it each way
 */
export async function startProxy({ target, delayMs = 0 }) {
  /** @type {Burst[]} */
  const timeline = [];
  /** @type {Set<ReturnType<typeof pair>>} */
  const pairs = new Set();
  const counters = { connections: 0, bytesUp: 0, bytesDown: 0 };
  let frozen = false;

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const connection = ++counters.connections;
    let last;
    const one = pair(client, target, {
      delayMs: delayMs / 2,
      frozen: () => frozen,
      saw(direction, bytes) {
        counters[direction === 'up' ? 'bytesUp' : 'bytesDown'] += bytes;
        if (last?.direction !== direction) timeline.push((last = { connection, direction, atMs: performance.now(), bytes: 0 }));
        last.bytes += bytes;
      },
      over: () => pairs.delete(one),
    });
    pairs.add(one);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();

  const turnsSince = (mark = 0) => {
    const spoke = new Set();
    let turns = 0;
    for (const burst of timeline) {
      if (burst.direction === 'down') spoke.add(burst.connection);
      else if (spoke.has(burst.connection) && burst.atMs >= mark) turns++;
    }
    return turns;
  };

  return {
    host: '127.0.0.1',
    port: typeof address === 'object' && address ? address.port : 0,
    timeline,
    get connections() { return counters.connections; },
    get bytesUp() { return counters.bytesUp; },
    get bytesDown() { return counters.bytesDown; },
    /** How often a client spoke after it had heard the server: round trips. */
    get turns() { return turnsSince(); },
    /** A moment for `turnsSince`. */
    mark: () => performance.now(),
    /** Turns that began at or after a moment. @param {number} mark */
    turnsSince,
    /** Breaks every connection that is open. */
    cut() {
      for (const one of [...pairs]) one.destroy();
    },
    /** From now on nothing passes, and nothing is closed: a line that is dead without a word. */
    freeze() {
      frozen = true;
    },
    /** The same for the connections that are open now: later ones pass. */
    freezeOpen() {
      for (const one of pairs) one.freeze();
    },
    /** Lets pass what was held up, in order. */
    thaw() {
      frozen = false;
      for (const one of pairs) one.flush();
    },
    close() {
      for (const one of [...pairs]) one.destroy();
      return new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}

/** A client and its connection to the target. */
function pair(client, target, line) {
  const upstream = connect({ ...target, noDelay: true, allowHalfOpen: true });
  let destroyed = false;
  const destroy = () => {
    if (destroyed) return;
    destroyed = true;
    client.destroy();
    upstream.destroy();
    line.over();
  };
  let alone = false;
  const own = { ...line, frozen: () => alone || line.frozen() };
  const up = relay(client, upstream, 'up', own, destroy);
  const down = relay(upstream, client, 'down', own, destroy);
  return {
    destroy,
    freeze() {
      alone = true;
    },
    flush() {
      up();
      down();
    },
  };
}

/** Carries one direction: every chunk, and then the end, is due `delayMs` after it came. Gives a function that sends what is due. */
function relay(from, to, direction, line, destroy) {
  /** @type {{ dueMs: number, act: () => void, bytes: number }[]} */
  const queue = [];
  let waiting = 0;
  let timer;
  const flush = () => {
    clearTimeout(timer);
    while (!line.frozen() && queue[0] && queue[0].dueMs <= performance.now()) {
      const item = queue.shift();
      waiting -= item.bytes;
      item.act();
    }
    if (waiting < queueLimit && !from.destroyed && from.isPaused() && !to.writableNeedDrain) from.resume();
    if (queue[0] && !line.frozen()) timer = setTimeout(flush, Math.max(0, Math.ceil(queue[0].dueMs - performance.now())));
  };
  const put = (bytes, act) => {
    queue.push({ dueMs: performance.now() + line.delayMs, act, bytes });
    waiting += bytes;
    if (waiting >= queueLimit) from.pause();
    flush();
  };
  from.on('data', (chunk) => {
    line.saw(direction, chunk.length);
    put(chunk.length, () => {
      if (!to.destroyed && !to.write(chunk)) from.pause();
    });
  });
  to.on('drain', flush);
  from.on('end', () => put(0, () => to.end()));
  from.on('error', () => put(0, destroy));
  from.on('close', () => {
    if (to.destroyed) destroy();
  });
  return flush;
}
