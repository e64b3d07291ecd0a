import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { agentText } from '../../../src/engine/agent-text.js';

// The agent's loop over the plan alone, with steps that only tell their names.
describe('an abort between two steps', () => {
  const plan = (abortIn: string) => {
    const stubs = `${agentText()}
bg_event() { :; }; bg_note() { :; }; bg_end() { printf 'end=%s' "$1"; }; bg_ledger() { :; }; bg_live() { BG_LIVE=blue; }
bg_run_step() { printf '%s ' "$1"; BG_STEP_STATUS=0; [ "$1" != "$ABORT_IN" ] || BG_ABORT=1; }
BG_ROOT=$(mktemp -d); mkdir "$BG_ROOT/run"; BG_ABORT='' BG_SKIP='' BG_COUNT=0 BG_SLOT=green
BG_PLAN_TEXT=''
bg_plan_step health 1 '' stop x; bg_plan_step switch 1 '' back x; bg_plan_step verify 1 '' back x; bg_plan_step stop 1 '' warn x
bg_run_plan; rm -rf "$BG_ROOT"`;
    return spawnSync('sh', ['-c', stubs], { encoding: 'utf8', env: { ...process.env, ABORT_IN: abortIn } }).stdout;
  };

  test('before the switch ends the run, after it does not', () => {
    expect(plan('health')).toBe('health reconcile end=aborted');
    expect(plan('switch')).toBe('health switch verify stop end=success');
    expect(plan('verify')).toBe('health switch verify stop end=success');
  });
});
