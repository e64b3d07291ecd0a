// Finds processes by a variable in their environment, which they inherit from the session that began it all.
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @param {string} mark `NAME=value`, a value that nobody else has
 * @returns {{ pid: number, group: number }[]} the processes that carry it, zombies apart
 */
export function markedProcesses(mark) {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        if (!readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0').includes(mark)) return [];
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        // The command's name stands in brackets and may hold anything.
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state === 'Z' ? [] : [{ pid: Number(entry), group: Number(group) }];
      } catch {
        // It ended meanwhile, or is another user's.
        return [];
      }
    });
}

/**
 * Waits until no marked process is left, those of some process groups apart.
 *
 * @param {string} mark
 * @param {number} limitMs
 * @param {number[]} [spared] process groups
 * @returns {Promise<boolean>} whether they ended in time
 */
export async function markedEnded(mark, limitMs, spared = []) {
  const until = performance.now() + limitMs;
  for (;;) {
    if (markedProcesses(mark).every(({ group }) => spared.includes(group))) return true;
    if (performance.now() > until) return false;
    await sleep(50);
  }
}

/** Ends what still carries the mark: politely, then for good. */
export async function endMarked(mark) {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    for (const { pid } of markedProcesses(mark)) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended meanwhile.
      }
    }
    if (await markedEnded(mark, 2000)) return;
  }
}
