// Looking at processes by /proc. Node's own modules only.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * State, parent, group, session and start time of a process; undefined when there is none.
 * The command's name stands before them in brackets and may hold anything. Source: proc(5).
 *
 * @param {number | string} pid
 */
export function processStat(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], parent: Number(fields[1]), group: Number(fields[2]), session: Number(fields[3]), started: fields[19] };
  } catch {
    return undefined;
  }
}

/** A zombie that nobody reaps, as in a container without an init, has ended. @param {number} pid */
export function isAlive(pid) {
  const stat = processStat(pid);
  return stat !== undefined && stat.state !== 'Z';
}

/**
 * Waits until something holds, up to a limit.
 *
 * @param {() => unknown} holds
 * @param {string} what for the error
 * @param {number} [limitMs]
 */
export async function until(holds, what, limitMs = 20_000) {
  for (const end = performance.now() + limitMs; ; ) {
    const found = await holds();
    if (found) return found;
    if (performance.now() > end) throw new Error(`it did not happen within ${limitMs} ms: ${what}`);
    await sleep(20);
  }
}
