import type { Connection } from '../host/connect.js';
import type { Settings } from '../settings/settings.js';
import { parsedLine, type LedgerLine } from './facts.js';
import type { Run } from './ledger.js';
import { startSession } from './session.js';

/**
 * Connects again and asks the host what became of a run: waits for its line in the ledger.
 *
 * @returns undefined when the host knows nothing of it: then it changed nothing
 * @throws DeployError when the host cannot be reached
 */
export async function askOutcome(settings: Settings, door: { connect(): Promise<Connection>; run: Run }): Promise<LedgerLine | undefined> {
  const connection = await door.connect();
  try {
    let found: LedgerLine | undefined;
    await new Promise<void>((resolve, reject) => {
      startSession(connection, 'outcome', settings, door.run, {
        message: (message) => {
          if (message.type === 'ledger') found = parsedLine(message.line)[0];
          if (message.type === 'end') resolve();
        },
        output: () => {},
      }).then((session) => session.closed.then(() => resolve()), reject);
    });
    return found;
  } finally {
    connection.close();
  }
}
