// Running programs for the bench: timed from start to exit, and ended when the bench is. Node's own modules only.
import { spawn } from 'node:child_process';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Ends what the bench runs at this moment, each by its own id. */
export function endRunning() {
  for (const child of running) child.kill('SIGTERM');
}

/** Remembers a program while it runs. @param {import('node:child_process').ChildProcess} child */
export function track(child) {
  running.add(child);
  child.once('close', () => running.delete(child));
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<{ ms: number, log: string }>} the time from start to exit, in milliseconds, and all that it said
 * @throws Error when it cannot be started or does not end with status 0
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    track(child);
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));
    child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve({ ms: performance.now() - begun, log });
      else reject(new Error(`${command} ended with ${signal ?? `status ${code}`}:\n${log.slice(-4000)}`));
    });
  });
}
