// A visitor's connection to the site: one request after another on it, and what became of each.
import { connect } from 'node:net';
import { Answer } from './answers.mjs';

/**
 * A server closes a connection that was idle just as the next request is under way: that shows at once. What is closed without
 * a byte later than this was a request that the server had.
 */
export const raceMs = 1000;

/**
 * @typedef {{ answer?: Answer, kind?: string, what?: string, bytes?: Buffer }} Outcome `kind` is what went wrong, undefined if nothing did:
 *   `keepaliveClose` (the server closed a connection that had answered before, as the next request was under way on it, and sent
 *   no byte of an answer), `refused`, `cut` (before an answer), `cutInAnswer`, `timeout`, `malformed`. `what`: the same in words.
 */

/** Connections with a request under way, looked at by one timer for all: a timer for each request would cost more than the request. */
const waiting = new Set();
const timer = setInterval(() => {
  const now = performance.now();
  for (const connection of waiting) if (now > connection.limit) connection.timedOut();
}, 250);
timer.unref();

export class Connection {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket;
    this.openedAt = performance.now();
    /** Requests that were answered on it. */
    this.answered = 0;
    /** Does nothing more go through it? */
    this.closed = false;
    /** Was it this end that closed it? */
    this.left = false;
    this.error = '';
    /** Did bytes come that nobody had asked for? */
    this.stray = false;
    /** @type {Answer | undefined} */
    this.answer = undefined;
    this.settle = undefined;
    this.askedAt = 0;
    this.limit = 0;
    this.bytes = 0;
    this.mayRace = false;
    /** Takes the bytes behind an answer 101. @type {((bytes: Buffer) => void) | undefined} */
    this.onBytes = undefined;
    /** @type {(() => void) | undefined} */
    this.onClose = undefined;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.take(bytes));
    socket.on('end', () => (this.closed = true));
    socket.on('error', (error) => {
      this.closed = true;
      this.error = error.code ?? error.message;
    });
    socket.on('close', () => this.ended());
  }

  /**
   * @param {number} port on 127.0.0.1
   * @returns {Promise<{ connection?: Connection, kind?: string, what?: string }>}
   */
  static open(port) {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      const failed = (error) => resolve(error.code === 'ECONNREFUSED' ? { kind: 'refused', what: 'refused' } : { kind: 'cut', what: `no connection: ${error.code ?? error.message}` });
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.removeListener('error', failed);
        resolve({ connection: new Connection(socket) });
      });
    });
  }

  /**
   * Sends a request and waits for the end of its answer (or for its head, if that is 101).
   *
   * @param {{ text: string, limitMs: number, onBody?: (piece: Buffer) => void, withBody?: boolean }} request `withBody`: more of it
   *   follows by `send`
   * @returns {Promise<Outcome>}
   */
  ask({ text, limitMs, onBody, withBody = false }) {
    if (this.stray) return Promise.resolve({ kind: 'malformed', what: 'bytes that nobody asked for' });
    this.askedAt = performance.now();
    this.limit = this.askedAt + limitMs;
    this.bytes = 0;
    this.mayRace = this.answered > 0 && !withBody;
    this.answer = new Answer(onBody);
    waiting.add(this);
    return new Promise((resolve) => {
      this.settle = resolve;
      this.socket.write(text, 'latin1');
    });
  }

  send(bytes) {
    if (!this.closed) this.socket.write(bytes);
  }

  /** Is a request under way? */
  get busy() {
    return this.settle !== undefined;
  }

  destroy() {
    this.closed = true;
    this.left = true;
    this.socket.destroy();
  }

  take(bytes) {
    this.bytes += bytes.length;
    if (!this.settle) {
      if (this.onBytes) this.onBytes(bytes);
      else this.stray = true;
      return;
    }
    const answer = this.answer;
    answer.take(bytes);
    if (answer.wrong) {
      this.done({ kind: 'malformed', what: answer.wrong });
      this.destroy();
    } else if (answer.upgraded) {
      this.done({ answer, bytes: answer.upgraded });
    } else if (answer.complete) {
      this.answered++;
      this.done({ answer });
    }
  }

  ended() {
    this.closed = true;
    this.onClose?.();
    if (!this.settle) return;
    this.answer.close();
    const after = Math.round(performance.now() - this.askedAt);
    if (this.answer.complete) this.done({ answer: this.answer });
    else if (this.bytes > 0) this.done({ kind: 'cutInAnswer', what: `cut in the answer, ${after} ms after it was asked${this.reason}` });
    else if (this.mayRace && after < raceMs) this.done({ kind: 'keepaliveClose', what: 'closed between two requests' });
    else this.done({ kind: 'cut', what: `cut ${after} ms after it was asked, without an answer${this.reason}` });
  }

  get reason() {
    return this.error ? ` (${this.error})` : '';
  }

  timedOut() {
    this.done({ kind: 'timeout', what: `no ${this.bytes ? 'end of the ' : ''}answer within ${Math.round((this.limit - this.askedAt) / 1000)} s` });
    this.destroy();
  }

  done(outcome) {
    waiting.delete(this);
    const settle = this.settle;
    this.settle = undefined;
    settle?.(outcome);
  }
}
