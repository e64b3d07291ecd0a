import type { Level } from '../events.js';
import type { Connection } from '../host/connect.js';
import type { Settings } from '../settings/settings.js';
import { parsedLine, type LedgerLine } from './facts.js';
import type { Run } from './ledger.js';
import { outcomeWaitMs, startSession } from './session.js';

/** What a host knows of a run that nobody heard to its end. */
export interface Fate {
  /** The run's line in the ledger. Without one it changed nothing, or still goes on. */
  line?: LedgerLine;
  /** The release that is live. */
  release: string;
  /** The lock is still held: the host is at work. */
  held: boolean;
  /** The host told it to the end. */
  told: boolean;
  /** What the host said while it mended what a run left that had died there. */
  notes: { level: Level; text: string }[];
}

/** What a host may take beyond its limits, in milliseconds. */
const AIR_MS = 60_000;

/** Reconciling says a few things; more come from a host that talks without end. */
const MOST_NOTES = 100;

/**
 * Connects again and asks the host what became of a run: waits until it has ended. If it died there, the host is brought in line at once.
 *
 * @throws DeployError when the host cannot be reached
 */
export async function askOutcome(settings: Settings, door: { connect(): Promise<Connection>; run: Run }): Promise<Fate> {
  const connection = await door.connect();
  // It waits for the run, and reconciles at most once.
  const limit = setTimeout(() => connection.close(), outcomeWaitMs(settings) + 2 * (settings.lockTimeout + settings.stepTimeout) + AIR_MS);
  try {
    const fate: Fate = { release: '', held: false, told: false, notes: [] };
    await new Promise<void>((resolve, reject) => {
      startSession(connection, 'outcome', settings, door.run, {
        message: (message) => {
          if (message.type === 'ledger') fate.line ??= parsedLine(message.line).find((line) => line.run === door.run.key);
          if (message.type === 'held') fate.held = true;
          if (message.type === 'note' && fate.notes.length < MOST_NOTES) fate.notes.push({ level: message.level, text: message.text });
          if (message.type !== 'end') return;
          fate.told = true;
          fate.release = message.release;
          resolve();
        },
        output: () => {},
      }).then((session) => session.closed.then(() => resolve()), reject);
    });
    return fate;
  } finally {
    clearTimeout(limit);
    connection.close();
  }
}
