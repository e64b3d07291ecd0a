import type { Settings } from '../settings/settings.js';
import type { Target } from './steps/step.js';

/** Who runs this, for the ledger and for who waits for the lock. */
export interface Run {
  /** Names this run in the ledger; letters, digits, `-`, `_`, `.` and `/`. */
  key: string;
  actor: string;
  url: string;
  /** ISO 8601, UTC. */
  started: string;
}

/** The ledger's line up to what only the end can tell, without its closing brace. */
export function ledgerBeginning(settings: Settings, run: Run, target: Target, previousRelease: string): string {
  const known = {
    run: run.key,
    command: settings.command,
    app: settings.app,
    release: target.release,
    previousRelease,
    sha: target.sha,
    ref: settings.ref,
    slot: target.slot,
    port: target.port,
    actor: run.actor,
    url: run.url,
    started: run.started,
  };
  return JSON.stringify(known).slice(0, -1);
}
