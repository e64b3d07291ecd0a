// A visitor of the site who never stops asking: several keep-alive connections, in a process of its own.
//   node testbed/load.mjs --port 8080 --connections 8 --seconds 20      prints what it counted as JSON
// As a module: startLoad() runs it in a second process. Node's own modules only.
import { fork } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** No load goes on beyond these, whatever was asked for. */
const most = { connections: 64, seconds: 300, requests: 1_000_000 };
const requestTimeoutMs = 10_000;
const progressMs = 200;

const self = fileURLToPath(import.meta.url);

/**
 * @typedef {{ served: number, failed: number, keepaliveCloses: number, connections: number, versions: Record<string, number>,
 *   last: string, failures: { at: number, what: string }[], ms: number }} Counts
 * `served`: answers 2xx, by version (header x-version) in `versions`; `last`: who gave the last one. `failed`: refused, cut, too slow, not 2xx;
 * the first of them in `failures` (`at`: ms since the start). `keepaliveCloses`: the server closed a connection that had answered before, as the
 * next request was under way on it, and sent no byte of an answer; asked again on a new connection. `connections`: how many were opened.
 */

/**
 * Starts a load in a second process.
 *
 * @param {{ port: number, connections?: number, seconds?: number, pauseMs?: number, slowMs?: number, hostHeader?: string,
 *   onProgress?: (counts: Counts) => void }} options `pauseMs`: between two requests of a connection; `slowMs`: three more
 *   connections ask for a page that takes so long, in turns, so that at any moment one of them has most of its time before it; `onProgress` is called five times a second
 */
export function startLoad({ onProgress, hostHeader, ...numbers }) {
  const args = Object.entries({ ...numbers, ...(hostHeader && { hostHeader }) }).flatMap(([name, value]) => [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, String(value)]);
  const child = fork(self, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  /** @type {Counts} */
  let counts = emptyCounts();
  child.on('message', (message) => {
    counts = message;
    onProgress?.(counts);
  });
  // The last counts may still be on their way when the process has ended.
  const ended = ['exit', 'disconnect'].map((event) => new Promise((resolve) => child.once(event, resolve)));
  const closed = Promise.all(ended);
  child.once('error', () => {});
  return {
    /** The last counts that were told. */
    counts: () => counts,
    /** Waits until so many requests were answered or failed. @param {number} requests @param {AbortSignal} [signal] */
    async reached(requests, signal) {
      while (counts.served + counts.failed < requests) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The load ended early, after ${counts.served} requests.`);
        await sleep(20, undefined, { signal });
      }
    },
    /** Ends the load once the requests under way are answered. @returns {Promise<Counts>} */
    async stop() {
      if (child.connected) child.send('stop', () => {});
      const gone = await Promise.race([closed.then(() => true), sleep(requestTimeoutMs + 2000, false, { ref: false })]);
      if (!gone) child.kill('SIGKILL');
      return counts;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

function emptyCounts() {
  return { served: 0, failed: 0, keepaliveCloses: 0, connections: 0, versions: {}, last: '', failures: [], ms: 0 };
}

/** @returns {Promise<Counts>} what was counted until the time was over or `stopped()` */
async function load({ port, connections, seconds, pauseMs, slowMs, hostHeader }, counts, stopped) {
  const begun = performance.now();
  const goesOn = () => !stopped() && performance.now() - begun < seconds * 1000 && counts.served + counts.failed < most.requests;
  const visitor = async ({ path, afterMs }) => {
    await sleep(afterMs);
    // One connection, and it is kept: the site's server decides when it ends.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (goesOn()) {
      let answer = await ask({ agent, port, path, hostHeader }, counts);
      if (answer.keepaliveClose) {
        counts.keepaliveCloses++;
        agent.destroy();
        answer = await ask({ agent, port, path, hostHeader }, counts);
      }
      counts.ms = Math.round(performance.now() - begun);
      if (answer.what) {
        counts.failed++;
        if (counts.failures.length < 20) counts.failures.push({ at: counts.ms, what: answer.what });
        // A refused connection costs nothing: without a rest this would count thousands of one and the same failure.
        await sleep(20);
      } else {
        counts.served++;
        counts.last = answer.version;
        counts.versions[answer.version] = (counts.versions[answer.version] ?? 0) + 1;
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
    agent.destroy();
  };
  const visitors = Array.from({ length: connections }, () => ({ path: '/', afterMs: 0 }));
  const slow = [0, 1, 2].map((turn) => ({ path: `/?ms=${slowMs}`, afterMs: (turn * slowMs) / 3 }));
  await Promise.all([...visitors, ...(slowMs > 0 ? slow : [])].map(visitor));
  counts.ms = Math.round(performance.now() - begun);
  return counts;
}

/** One request. Gives the version that answered, or what went wrong. */
function ask({ agent, port, path, hostHeader }, counts) {
  return new Promise((resolve) => {
    let bytesBefore = 0;
    let socket;
    let late = false;
    const request = get({ host: '127.0.0.1', port, path, agent, headers: { host: hostHeader } }, (response) => {
      const { statusCode: status = 0, headers } = response;
      response.resume();
      response.once('error', (error) => resolve({ what: `cut in the answer: ${error.code ?? error.message}` }));
      response.once('end', () => {
        if (!response.complete) resolve({ what: 'cut in the answer' });
        else if (status < 200 || status > 299) resolve({ what: `status ${status}` });
        else resolve({ version: String(headers['x-version'] ?? 'unknown') });
      });
    });
    request.once('socket', (given) => {
      socket = given;
      bytesBefore = socket.bytesRead;
      if (!request.reusedSocket) counts.connections++;
    });
    request.setTimeout(requestTimeoutMs, () => {
      late = true;
      request.destroy();
    });
    request.once('error', (error) => {
      const silent = socket && socket.bytesRead === bytesBefore;
      if (late) resolve({ what: `no answer within ${requestTimeoutMs / 1000} s` });
      else if (request.reusedSocket && silent && ['ECONNRESET', 'EPIPE'].includes(error.code)) resolve({ keepaliveClose: true, what: 'closed twice' });
      else resolve({ what: error.code === 'ECONNREFUSED' ? 'refused' : `cut: ${error.code ?? error.message}` });
    });
  });
}

function optionsFromArgs() {
  const number = (value, highest) => Math.max(0, Math.min(Number(value) || 0, highest));
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { port: text, connections: text, seconds: text, 'pause-ms': text, 'slow-ms': text, 'host-header': text } });
  if (!values.port) throw new Error('--port is missing: the port of the site on 127.0.0.1');
  return {
    port: number(values.port, 65_535),
    connections: number(values.connections ?? 8, most.connections),
    seconds: number(values.seconds ?? 20, most.seconds),
    pauseMs: number(values['pause-ms'] ?? 10, 60_000),
    slowMs: number(values['slow-ms'] ?? 0, requestTimeoutMs / 2),
    hostHeader: values['host-header'] ?? 'shop.example.com',
  };
}

if (process.argv[1] && realpathSync(process.argv[1]) === self) {
  const counts = emptyCounts();
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  // With its starter gone there is nobody to count for.
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(event, stop);
  process.on('message', (message) => message === 'stop' && stop());
  const tell = (done) => (process.connected ? process.send(counts, done) : console.log(JSON.stringify(counts, undefined, 2)));
  const timer = setInterval(() => process.connected && tell(() => {}), progressMs);
  await load(optionsFromArgs(), counts, () => stopped);
  clearInterval(timer);
  tell(() => process.connected && process.disconnect());
}
