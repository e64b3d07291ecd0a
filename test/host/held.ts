import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../testbed/processes.mjs';

/** Commands of a deploy that tell that they run, and wait to be let on; and the lock, once it is free. */
export function heldIn(stage: () => { dir: string; root: string }) {
  const marker = (name: string): string => join(stage().dir, name);
  return {
    marker,
    waiting: (name: string): string => `touch ${marker(name)}; while [ ! -e ${marker(name)}.go ]; do sleep 0.05; done; echo went on`,
    reached: (name: string) => until(() => existsSync(marker(name)), `the deploy reached ${name}`),
    letOn: (name: string): void => writeFileSync(`${marker(name)}.go`, ''),
    lockIsFree: () => until(() => spawnSync('flock', ['-n', join(stage().root, 'lock'), 'true']).status === 0, 'the lock is free', 60_000),
  };
}
