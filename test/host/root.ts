import { test } from '@jest/globals';

/** A test that only root can run; elsewhere its name says that it was not run. */
export function needsRoot(name: string, run: () => Promise<void>): void {
  if (process.getuid?.() === 0) test(name, run);
  else test.skip(`NOT RUN, needs root: ${name}`, run);
}
