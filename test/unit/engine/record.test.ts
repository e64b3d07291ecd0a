import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { agentText } from '../../../src/engine/agent-text.js';

// A step that is not written down could not be ended by the next run.
describe('a step whose record cannot be written', () => {
  const begin = (step: string) =>
    spawnSync('sh', ['-c', `${agentText()}\nBG_MARK=MARK BG_COMMAND=deploy BG_ROOT=$(mktemp -d); mkdir "$BG_ROOT/run"; bg_record() { return 1; }\n(bg_step_process ${step}; printf went-on); rm -rf "$BG_ROOT"`], { encoding: 'utf8' }).stdout;

  test.each(['probe', 'clone', 'install', 'stop-standby', 'start', 'health', 'before-switch', 'switch'])('%s is not begun', (step) => {
    expect(begin(step)).toContain('MARK problem ');
    expect(begin(step)).not.toContain('went-on');
  });

  test.each(['reconcile', 'survey', 'switch-back', 'verify', 'bake', 'after-switch', 'drain', 'stop', 'standby', 'prune'])('%s goes on: nothing else can end what was begun', (step) => {
    expect(begin(step)).toBe('went-on');
  });
});
