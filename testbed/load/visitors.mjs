// The visitors: each goes on asking in its own way until it is told to stop, and writes down what it saw.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptOf, frame, frameReader, opcodes } from '../app/websocket.mjs';
import { Connection } from './connection.mjs';

/** A refused connection costs nothing: without a rest this would count thousands of one and the same failure. */
const restMs = 20;
const everyMs = 100;
const patienceMs = 10_000;
const pieceOfUpload = Buffer.alloc(4096, 'what a visitor sends, and has to arrive whole. ');

/**
 * @typedef {{ port: number, hostHeader: string, pauseMs: number, delayMs: number, longMs: number, known: Set<string>, goesOn: () => boolean,
 *   records: import('./records.mjs').Records, random: () => number }} Visit what all visitors of a load share, but for `random`, which each has for itself
 */

/** Numbers from 0 to 1, the same for the same seed (mulberry32). @param {number} seed */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One keep-alive connection, short requests: the app takes 1 to `delayMs` to answer, mostly little.
 * @param {Visit} visit
 */
export async function short(visit) {
  const { records, random, delayMs, pauseMs } = visit;
  const keeper = new Keeper(visit);
  for (let count = 0; visit.goesOn(); count++) {
    const wait = delayMs > 0 ? Math.floor(1 + (delayMs - 0.001) * random() ** 3) : 0;
    const echo = `${Math.floor(random() * 1e9)}.${count}`;
    const path = `/?echo=${echo}${wait ? `&ms=${wait}` : ''}`;
    const begin = performance.now();
    const version = await page(keeper, 'short', path, wait, echo);
    if (version) records.short(begin, performance.now() - begin, wait, version);
    if (pauseMs > 0) await sleep(2 * pauseMs * random());
  }
  keeper.close();
}

/** One keep-alive connection, pages that take long. @param {Visit} visit */
export async function long(visit) {
  const keeper = new Keeper(visit);
  for (let count = 0; visit.goesOn(); count++) {
    const ms = duration(visit);
    await page(keeper, 'long', `/?echo=long.${count}&ms=${ms}`, ms, `long.${count}`);
  }
  keeper.close();
}

/** Asks for a page and judges it. @returns {Promise<string>} the version that answered well, or '' */
async function page(keeper, kind, path, ms, echo) {
  const begin = performance.now();
  const { outcome, connection } = await keeper.ask(path, ms);
  return judge(keeper.visit, { kind, asked: path, begin }, outcome, connection, (answer, version) => (answer.body.endsWith(`${version} ${echo}\n`) ? '' : `another page: ${JSON.stringify(answer.body.slice(0, 80))}`));
}

/** Answers that come piece by piece. @param {Visit} visit */
export async function stream(visit) {
  while (visit.goesOn()) {
    const ms = duration(visit);
    let text = '';
    await once(visit, 'stream', { path: `/stream?ms=${ms}`, ms, onBody: (piece) => (text += piece.latin1Slice()) }, () => {
      const wanted = Array.from({ length: Math.ceil(ms / everyMs) }, (_, count) => `${count}\n`).join('');
      return text === `${wanted}end\n` ? '' : `another text: ${JSON.stringify(text.slice(-60))}`;
    });
  }
}

/** Bodies that take their time to arrive. @param {Visit} visit */
export async function upload(visit) {
  while (visit.goesOn()) {
    const ms = duration(visit);
    const pieces = Math.ceil(ms / everyMs);
    const hash = createHash('sha256');
    const sendBody = async (connection) => {
      for (let count = 0; count < pieces && connection.busy; count++) {
        hash.update(pieceOfUpload);
        connection.send(pieceOfUpload);
        if (count + 1 < pieces) await sleep(everyMs);
      }
    };
    await once(visit, 'upload', { path: '/upload', ms, sendBody, length: pieces * pieceOfUpload.length }, (answer) => {
      const wanted = `${JSON.stringify({ length: pieces * pieceOfUpload.length, sha256: hash.digest('hex') })}\n`;
      return answer.body === wanted ? '' : `the app got something else: ${answer.body.slice(0, 120)}`;
    });
  }
}

/** Server-sent events; with `endless` the app never ends them. @param {Visit} visit @param {boolean} endless */
export async function events(visit, endless) {
  while (visit.goesOn()) {
    const ms = endless ? Infinity : duration(visit);
    let text = '';
    let count = 0;
    let wrong = '';
    let ended = false;
    const onBody = (piece) => {
      const parts = (text + piece.latin1Slice()).split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const [, id, version] = /^id: (\d+)\ndata: (.*)$/.exec(part) ?? [];
        if (part.startsWith('event: end\n')) ended = true;
        else if (Number(id) !== count++ || !version) wrong ||= `another event: ${JSON.stringify(part.slice(0, 60))}`;
      }
    };
    await once(visit, endless ? 'endless events' : 'events', { path: endless ? '/events' : `/events?ms=${ms}`, ms, onBody, endless }, () => wrong || (ended && count === Math.ceil(ms / everyMs) ? '' : `${count} events, ${ended ? 'and' : 'without'} an end`));
  }
}

/** A WebSocket that says something each 100 ms and has to hear it again; with `endless` it never ends it. @param {Visit} visit @param {boolean} endless */
export async function websocket(visit, endless) {
  const kind = endless ? 'endless WebSocket' : 'WebSocket';
  const { records } = visit;
  while (visit.goesOn()) {
    const ms = endless ? Infinity : duration(visit);
    const { connection, ...refused } = await open(visit);
    if (!connection) {
      await failed(visit, kind, { ...refused, asked: '/ws' });
      continue;
    }
    const begin = performance.now();
    const key = randomBytes(16).toString('base64');
    const asked = `/ws for ${endless ? 'ever' : `${ms} ms`}`;
    const outcome = await connection.ask({ text: `GET /ws HTTP/1.1\r\nHost: ${visit.hostHeader}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`, limitMs: patienceMs });
    const version = outcome.answer?.header('x-version') ?? '';
    const wrong = outcome.kind ? outcome : handshakeWrong(outcome.answer, key) || unknownVersion(visit, version);
    if (wrong) {
      connection.destroy();
      await failed(visit, kind, { ...wrong, asked, version }, connection);
      continue;
    }
    const end = await talk(connection, outcome.bytes, { ms, goesOn: visit.goesOn, heard: () => records.echoes++ });
    connection.destroy();
    if (!end.kind) records.good(kind, version, begin);
    else if (endless && end.kind === 'cut') records.cut(kind, begin, version, end.what);
    else await failed(visit, kind, { ...end, asked, version }, connection);
  }
}

function handshakeWrong(answer, key) {
  if (answer.status !== 101) return { kind: `status ${answer.status}`, what: 'no WebSocket' };
  return answer.header('sec-websocket-accept') === acceptOf(key) ? undefined : { kind: 'wrongAnswer', what: 'another handshake' };
}

/** Says and hears until the time is over, then closes by the protocol. Gives what went wrong. */
function talk(connection, bytes, { ms, goesOn, heard }) {
  return new Promise((resolve) => {
    const begun = performance.now();
    const waiting = [];
    let closing = false;
    let count = 0;
    const finish = (kind, what) => {
      clearInterval(timer);
      resolve({ kind, what });
    };
    const read = frameReader(({ opcode, payload }) => {
      if (opcode === opcodes.close) {
        if (closing && !waiting.length) finish();
        else finish('cut', `closed by the other end, ${waiting.length} messages unanswered`);
      } else if (opcode === opcodes.text && payload.toString() === waiting[0]?.text) {
        waiting.shift();
        heard();
      } else if (opcode !== opcodes.ping && opcode !== opcodes.pong) {
        finish('wrongAnswer', `heard ${JSON.stringify(payload.toString().slice(0, 40))} instead of ${JSON.stringify(waiting[0]?.text ?? '')}`);
      }
    });
    const say = () => {
      if (waiting.length && performance.now() - waiting[0].at > patienceMs) return finish('timeout', `no echo within ${patienceMs / 1000} s`);
      if (closing) return;
      if (performance.now() - begun > ms || !goesOn()) {
        closing = true;
        return connection.send(frame(opcodes.close, Buffer.from([3, 232]), { masked: true }));
      }
      const text = `message ${count++}`;
      waiting.push({ text, at: performance.now() });
      connection.send(frame(opcodes.text, text, { masked: true }));
    };
    connection.onClose = () => finish('cut', `cut after ${Math.round(performance.now() - begun)} ms${connection.reason}`);
    connection.onBytes = read;
    const timer = setInterval(say, everyMs);
    if (bytes?.length) read(bytes);
    if (connection.closed) connection.onClose();
  });
}

/** A request on a connection of its own, whose answer is looked at by `check` (which gives what is wrong). */
async function once(visit, kind, { path, ms, onBody, sendBody, length, endless = false }, check) {
  const { connection, ...refused } = await open(visit);
  if (!connection) return failed(visit, kind, { ...refused, asked: path });
  const begin = performance.now();
  const head = `${sendBody ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: ${visit.hostHeader}\r\n${sendBody ? `Content-Length: ${length}\r\n` : ''}\r\n`;
  const answered = connection.ask({ text: head, limitMs: endless ? Infinity : ms + patienceMs, onBody, withBody: Boolean(sendBody) });
  if (sendBody) await sendBody(connection);
  const given = endless ? await orGivenUp(visit, connection, answered) : await answered;
  connection.destroy();
  const version = connection.answer.header('x-version');
  if (given === 'given up') visit.records.good(kind, version, begin);
  else if (endless && given.kind === 'cutInAnswer') visit.records.cut(kind, begin, version, given.what);
  else await judge(visit, { kind, asked: path, begin }, given, connection, check);
}

/** What is without end is left when the load ends. */
async function orGivenUp(visit, connection, answered) {
  let outcome;
  void answered.then((given) => (outcome = given));
  while (!outcome && visit.goesOn()) await sleep(everyMs);
  return outcome ?? 'given up';
}

/** Writes down how a request ended. @returns {Promise<string>} the version that answered well, or '' */
async function judge(visit, { kind, asked, begin }, outcome, connection, check) {
  const { answer } = outcome;
  const version = answer?.header('x-version') ?? '';
  const wrong = outcome.kind ? outcome : statusWrong(answer) || unknownVersion(visit, version) || contentWrong(check(answer, version));
  if (wrong) {
    await failed(visit, kind, { ...wrong, asked, version }, connection);
    return '';
  }
  visit.records.good(kind, version, begin);
  return version;
}

const statusWrong = ({ status, body }) => (status >= 200 && status < 300 ? undefined : { kind: `status ${status}`, what: /<title>([^<]*)/.exec(body)?.[1] ?? JSON.stringify(body.slice(0, 60)) });
const unknownVersion = ({ known }, version) => (version && (known.size === 0 || known.has(version)) ? undefined : { kind: 'wrongVersion', what: version ? `from ${version}, which is not to have visitors` : 'without x-version' });
const contentWrong = (what) => (what ? { kind: 'wrongAnswer', what } : undefined);

async function failed({ records }, visitor, { kind, what, asked, version }, connection) {
  records.bad(visitor, { kind, what, asked, version }, connection);
  connection?.destroy();
  await sleep(restMs);
}

async function open({ port, records }) {
  const opened = await Connection.open(port);
  if (opened.connection) records.connections++;
  return opened;
}

/** From half of `longMs` to all of it, in whole tenths of a second. */
const duration = ({ longMs, random }) => Math.max(everyMs, Math.round((longMs * (1 + random())) / 2 / everyMs) * everyMs);

/** Keeps one connection, for as long as the server lets it. */
class Keeper {
  /** @param {Visit} visit */
  constructor(visit) {
    this.visit = visit;
    /** @type {Connection | undefined} */
    this.connection = undefined;
  }

  async ask(path, ms) {
    const { visit } = this;
    const text = `GET ${path} HTTP/1.1\r\nHost: ${visit.hostHeader}\r\n\r\n`;
    for (let attempt = 0; ; attempt++) {
      if (this.connection?.closed) {
        if (!this.connection.left) visit.records.idleCloses++;
        this.connection = undefined;
      }
      if (!this.connection) {
        const { connection, ...refused } = await open(visit);
        if (!connection) return { outcome: refused };
        this.connection = connection;
      }
      const connection = this.connection;
      const outcome = await connection.ask({ text, limitMs: ms + patienceMs });
      if (outcome.kind === 'keepaliveClose') visit.records.keepaliveCloses++;
      if (outcome.kind || outcome.answer.closes) {
        if (!outcome.kind) visit.records.announcedCloses++;
        connection.destroy();
        this.connection = undefined;
      }
      if (outcome.kind !== 'keepaliveClose') return { outcome, connection };
      // A new connection has answered nothing yet, so this happens once for each that was kept.
      if (attempt > 2) return { outcome: { kind: 'cut', what: 'closed again and again' }, connection };
    }
  }

  close() {
    this.connection?.destroy();
  }
}
