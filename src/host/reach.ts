import { setTimeout as sleep } from 'node:timers/promises';
import { DeployError } from '../errors.js';
import type { Connection } from './connection.js';

/** Together a few seconds: an sshd that turns somebody away for its MaxStartups takes him soon. */
const PAUSES_MS = [500, 1000, 2000];

export interface Patience {
  /** The time limit of one try, in milliseconds. */
  limitMs: number;
  /** How often a try that ran into that limit is made again; one that failed at once is made again up to three times. */
  lateTries: number;
  /** The least time for which is tried on, in milliseconds: for a host that may just be starting again. 0 by default. */
  leastMs?: number;
  /** Pauses before the second, third, … try, in milliseconds; the last one is kept to. */
  pausesMs?: readonly number[];
  /** Told of each failure after which it is tried again. */
  onFailure?: (error: DeployError) => void;
}

/**
 * Connects, and tries again with growing pauses what may be over soon: a refused or broken connection, a host that does not answer.
 *
 * @param connectOnce one try, as `connect` makes it
 * @throws DeployError of the last try; at once when it is for good (a wrong key, a name that is not known)
 */
export async function reach(connectOnce: () => Promise<Connection>, { limitMs, lateTries, leastMs = 0, pausesMs = PAUSES_MS, onFailure }: Patience): Promise<Connection> {
  const begun = performance.now();
  for (let failed = 0, late = 0; ; failed++) {
    const tryBegun = performance.now();
    try {
      return await connectOnce();
    } catch (error) {
      if (!(error instanceof DeployError) || !error.passing) throw error;
      if (performance.now() - tryBegun > limitMs * 0.9) late++;
      const enough = late > lateTries || failed >= pausesMs.length;
      if (enough && performance.now() - begun >= leastMs) throw error;
      onFailure?.(error);
      const pause = pausesMs[Math.min(failed, pausesMs.length - 1)] ?? 0;
      // Many runs that were turned away together should not come back together.
      await sleep(pause * (0.75 + Math.random() / 2));
    }
  }
}
