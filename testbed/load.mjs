// Visitors of the site who never stop asking, in a process of their own: keep-alive connections with short requests, and beside them
// long ones, streams, uploads, events and WebSockets.
//   node testbed/load.mjs --port 8080 --connections 8 --seconds 20      prints what it counted as JSON
// As a module: startLoad() runs it in a second process. Node's own modules only.
import { fork } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Records } from './load/records.mjs';
import { events, long, randomFrom, short, stream, upload, websocket } from './load/visitors.mjs';

const progressMs = 200;
const self = fileURLToPath(import.meta.url);

/** Each option with its default, and beyond what no load goes, whatever was asked for. */
const options = {
  port: [0, 65_535],
  connections: [8, 256],
  seconds: [20, 3600],
  requests: [5_000_000, 5_000_000],
  pauseMs: [10, 60_000],
  delayMs: [0, 5000],
  longMs: [2000, 60_000],
  long: [0, 32],
  streams: [0, 32],
  uploads: [0, 32],
  events: [0, 32],
  websockets: [0, 32],
  endless: [0, 32],
  seed: [1, 2 ** 31],
};

/**
 * @typedef {{ served: number, failed: number, keepaliveCloses: number, idleCloses: number, announcedCloses: number, connections: number, echoes: number,
 *   kinds: Record<string, { served: number, failed: number }>, failedBy: Record<string, number>, failures: import('./load/records.mjs').Failure[],
 *   versions: Record<string, number>, last: string, cutAtLimit: number, ms: number,
 *   figures?: ReturnType<import('./load/records.mjs').Records['figures']> }} Counts
 * `served`: answers 2xx that are complete and what was asked for, by visitor in `kinds`, by version (header x-version) in `versions`; `last`: who gave the
 * last one. `failed`: refused, cut, too slow, wrong, by cause in `failedBy`; the first of them in `failures`. `keepaliveCloses`: the server closed a
 * connection that had answered before, as the next request was under way on it, and sent no byte of an answer; asked again on a new connection.
 * `idleCloses`: it closed one on which nothing was under way, `announcedCloses`: it had said so in the answer before; neither loses anything.
 * `echoes`: messages that came back by WebSocket. `cutAtLimit`: event streams and WebSockets without end that were cut, at the limit after a
 * switch or later (earlier ones are failures, in the counts that `stop` gives). `connections`: how many were opened. `figures`: only at the end.
 */

/**
 * Starts a load in a second process.
 *
 * @param {{ port: number, connections?: number, seconds?: number, requests?: number, pauseMs?: number, delayMs?: number, longMs?: number, long?: number,
 *   streams?: number, uploads?: number, events?: number, websockets?: number, endless?: number, seed?: number, hostHeader?: string, versions?: string[],
 *   onProgress?: (counts: Counts) => void }} options `connections` with short requests, which the app is asked to answer after 1 to `delayMs`, mostly soon
 *   (0: at once), with pauses of `pauseMs` on average between them; beside them so many visitors of each other kind, whose requests last from half of `longMs` to
 *   all of it; `endless`: so many event streams and as many WebSockets without end. The load ends after `seconds` or when so many `requests` were made.
 *   `versions`: who may answer (anyone, without it). `onProgress` is called five times a second
 */
export function startLoad({ onProgress, hostHeader, versions, ...numbers }) {
  const args = Object.entries({ ...numbers, ...(hostHeader && { hostHeader }) }).flatMap(([name, value]) => [`--${kebab(name)}`, String(value)]);
  for (const version of versions ?? []) args.push('--version', version);
  const child = fork(self, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  /** @type {Counts} */
  let counts = new Records(0).counts();
  child.on('message', (message) => {
    counts = message;
    onProgress?.(counts);
  });
  // The last counts may still be on their way when the process has ended.
  const ended = ['exit', 'disconnect'].map((event) => new Promise((resolve) => child.once(event, resolve)));
  const closed = Promise.all(ended);
  child.once('error', () => {});
  const tell = (message) => child.connected && child.send(message, () => {});
  const ends = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid,
    /** The last counts that were told. */
    counts: () => counts,
    /** One more version that may answer from now on. @param {string} version */
    expect: (version) => tell({ expect: version }),
    /** What the figures at the end need to know of a switch. @param {import('./load/records.mjs').Switch} one */
    switched: (one) => tell({ switched: one }),
    /** Waits until so many requests were answered or failed. @param {number} requests @param {AbortSignal} [signal] */
    async reached(requests, signal) {
      while (counts.served + counts.failed < requests) {
        if (ends()) throw new Error(`The load ended early, after ${counts.served} requests.`);
        await sleep(20, undefined, { signal });
      }
    },
    /** Ends the load once the requests under way are answered. @returns {Promise<Counts>} */
    async stop() {
      tell('stop');
      const gone = await Promise.race([closed.then(() => true), sleep((numbers.longMs ?? 0) + 30_000, false, { ref: false })]);
      if (!gone) child.kill('SIGKILL');
      return counts;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Lets all visitors in, and waits until the time is over, there were enough requests, or `stopped()`. */
async function load(asked, { records, known, stopped }) {
  const goesOn = () => !stopped() && records.ms < asked.seconds * 1000 && records.served + records.failed < asked.requests;
  const plan = [
    [asked.connections, short],
    [asked.long, long],
    [asked.streams, stream],
    [asked.uploads, upload],
    [asked.events, (visit) => events(visit, false)],
    [asked.websockets, (visit) => websocket(visit, false)],
    [asked.endless, (visit) => events(visit, true)],
    [asked.endless, (visit) => websocket(visit, true)],
  ];
  const visitors = plan.flatMap(([count, visitor], kind) =>
    Array.from({ length: count }, async (_, turn) => {
      // In turns, so that at any moment one of them has most of its time before it.
      if (visitor !== short) await sleep((turn * asked.longMs) / count);
      await visitor({ ...asked, records, known, goesOn, random: randomFrom(asked.seed * 7919 + kind * 1000 + turn) });
    }),
  );
  await Promise.all(visitors);
}

function optionsFromArgs() {
  const text = { type: 'string' };
  const names = Object.keys(options);
  const { values } = parseArgs({ options: { ...Object.fromEntries(names.map((name) => [kebab(name), text])), 'host-header': text, version: { type: 'string', multiple: true } } });
  if (!values.port) throw new Error('--port is missing: the port of the site on 127.0.0.1');
  const numbers = names.map((name) => {
    const [usual, most] = options[name];
    return [name, Math.max(0, Math.min(Number(values[kebab(name)] ?? usual) || 0, most))];
  });
  return { ...Object.fromEntries(numbers), hostHeader: values['host-header'] ?? 'shop.example.com', known: new Set(values.version) };
}

if (process.argv[1] && realpathSync(process.argv[1]) === self) {
  const { known, ...asked } = optionsFromArgs();
  const records = new Records(asked.seconds);
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  // With its starter gone there is nobody to count for.
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(event, stop);
  process.on('message', (message) => {
    if (message === 'stop') stop();
    else if (message.expect) known.add(message.expect);
    else if (message.switched) records.switched(message.switched);
  });
  const tell = (counts, done) => (process.connected ? process.send(counts, done) : console.log(JSON.stringify(counts, undefined, 2)));
  const timer = setInterval(() => process.connected && tell(records.counts(), () => {}), progressMs);
  await load(asked, { records, known, stopped: () => stopped });
  clearInterval(timer);
  tell(records.end(), () => process.connected && process.disconnect());
}
