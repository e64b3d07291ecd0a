import { oneLine } from './clean.js';

/** Time limits and delays of requests to the API, all in milliseconds. */
export interface Timing {
  /** For one request. */
  requestMs: number;
  /** Waits before the second, third, … try of a request that got no answer or a server's error. */
  retryDelaysMs: number[];
  /** For all that `finish` does. */
  finishMs: number;
}

export const defaultTiming: Timing = { requestMs: 10_000, retryDelaysMs: [500, 2_000], finishMs: 15_000 };

/** Why a request failed. Only `unreachable` may go away by itself. */
export type FailureKind = 'permission' | 'token' | 'invalid' | 'unreachable';

export class RequestFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
    this.name = 'RequestFailure';
  }
}

/**
 * What a failed request means.
 * GitHub answers a missing permission with 403, or with 404 where the token may not even see the thing; rate limits are 403 or 429.
 */
export function requestFailure(error: unknown): RequestFailure {
  if (error instanceof RequestFailure) return error;
  const message = oneLine(messages(error).join(': '), 500);
  const status = typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number' ? error.status : 0;
  return new RequestFailure(kindOf(status, message), status >= 400 && status < 500 ? `${status}: ${message}` : message);
}

/** An error's message and those of its causes: `fetch failed` alone tells nobody anything. */
function messages(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [String(error)];
  const { message, code, cause } = error as { message?: unknown; code?: unknown; cause?: unknown };
  const own = [message, code].filter((text): text is string => typeof text === 'string' && text !== '');
  const inner = cause === undefined ? [] : messages(cause);
  return own.filter((text) => !inner.some((other) => other.includes(text))).concat(inner).slice(0, 4);
}

function kindOf(status: number, message: string): FailureKind {
  if (status === 401) return 'token';
  if (status === 429 || /rate limit/i.test(message)) return 'unreachable';
  if (status === 403 || status === 404) return 'permission';
  return status >= 400 && status < 500 ? 'invalid' : 'unreachable';
}

/** What a person is told: what could not be written, why, what to do. */
export function explain(what: string, failure: RequestFailure, permission: string): string {
  const why: Record<FailureKind, string> = {
    permission: `GitHub answered ${failure.message}. Add \`${permission}\` to the job's permissions; a run for a pull request from a fork never gets it.`,
    token: `GitHub refused the token (${failure.message}). Check the setting github-token.`,
    invalid: `GitHub refused the request (${failure.message}).`,
    unreachable: `GitHub's API did not answer as it should (${failure.message}).`,
  };
  return `${what}: ${why[failure.kind]}`;
}

/** The requests of one reporter: each has a time limit and a few tries, and all end when the reporter's time is over. */
export class Requests {
  private readonly over = new AbortController();

  constructor(private readonly timing: Timing) {}

  /** Makes a request. A try that got no answer may have been carried out all the same. Throws RequestFailure. */
  async send<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (const delay of [...this.timing.retryDelaysMs, undefined]) {
      try {
        return await this.once(call);
      } catch (error) {
        const failure = requestFailure(error);
        if (failure.kind !== 'unreachable' || delay === undefined || this.over.signal.aborted) throw failure;
        await this.wait(delay);
      }
    }
    throw new RequestFailure('unreachable', 'no try is left');
  }

  /** Runs the last acts of a reporter: requests under way or still to come are given up when its time is over. */
  async lastActs(acts: () => Promise<void>): Promise<void> {
    const reason = new RequestFailure('unreachable', `not done within ${this.timing.finishMs} ms`);
    const timer = setTimeout(() => this.over.abort(reason), this.timing.finishMs);
    try {
      await acts();
    } finally {
      clearTimeout(timer);
    }
  }

  private async once<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const giveUp = () => limit.abort(this.over.signal.reason);
    const timer = setTimeout(() => limit.abort(new RequestFailure('unreachable', `no answer within ${this.timing.requestMs} ms`)), this.timing.requestMs);
    this.over.signal.addEventListener('abort', giveUp);
    try {
      if (this.over.signal.aborted) throw requestFailure(this.over.signal.reason);
      return await Promise.race([call(limit.signal), aborted(limit.signal)]);
    } finally {
      clearTimeout(timer);
      this.over.signal.removeEventListener('abort', giveUp);
    }
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.over.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.over.signal.addEventListener('abort', done);
    });
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(requestFailure(signal.reason))));
}
