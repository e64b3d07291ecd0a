import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { agentText } from '../../../src/engine/agent-text.js';

const STEPS = 150;

// busybox forgets a status now and then, in such a storm: without waiting again it is most of them.
// bash tells the status of a process that has ended whatever else comes.
const shells: [string, string[], number][] = [
  ['/usr/bin/dash', [], 0],
  ['/usr/bin/busybox', ['ash'], STEPS / 10],
];

test.each(shells)(`${STEPS} steps that go well, and one that does not, in a storm of signals, in %s`, (shell, first, lost) => {
  // A tick may come in the very moment in which a step ends: as the status of the wait, it takes the place of the step's.
  const script = `${agentText()}
BG_AGENT=$TEXT BG_MARK=MARK BG_ROOT=/nowhere BG_PIPES_WORD=/nowhere
trap ':' USR2
read -r BG_SELF _ </proc/self/stat
(trap - USR2; n=0; while [ $n -lt 20000000 ] && kill -USR2 "$BG_SELF" 2>/dev/null; do n=$((n + 1)); for _rest in 1 2 3 4 5 6 7 8 9; do :; done; done) &
_storm=$! _round=0
while [ "$_round" -lt ${STEPS} ]; do
  _round=$((_round + 1))
  bg_run_step survey 60 '' true >/dev/null
  printf '%s ' "$BG_STEP_STATUS"
done
bg_run_step survey 60 '' 'exit 3' >/dev/null
printf '%s ' "$BG_STEP_STATUS"
bg_run_step survey 60 '' 'kill -KILL $$' >/dev/null
printf '%s ' "$BG_STEP_STATUS"
kill -KILL "$_storm"
`;
  const result = spawnSync(shell, [...first, '-s'], { input: script, encoding: 'utf8', env: { ...process.env, TEXT: agentText() } });
  const statuses = result.stdout.trim().split(' ');
  const wrong = statuses.slice(0, STEPS).filter((status) => status !== '0');
  expect(wrong.filter((status) => status !== '140')).toEqual([]);
  expect(wrong.length).toBeLessThanOrEqual(lost);
  expect(statuses[STEPS]).toBe('3');
  expect(Number(statuses[STEPS + 1])).toBeGreaterThan(128);
});
