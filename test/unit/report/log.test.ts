import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LogReporter } from '../../../src/report/log.js';
import { captureStdout, failure, healthProblem, outcome, playStep, runnerCommands, step } from './fixtures.js';

let out: ReturnType<typeof captureStdout>;
let log: LogReporter;
beforeEach(() => {
  out = captureStdout();
  log = new LogReporter('shop');
});
afterEach(() => out.restore());

const shown = (): string[] => out.lines().map((line) => line.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'TOKEN'));

describe('a step', () => {
  test('is a group with its output and notes, and a line with status and time after it', () => {
    log.event({ type: 'step-start', step: 'health' });
    log.event({ type: 'output', step: 'health', text: 'asking\n' });
    log.event({ type: 'note', step: 'health', level: 'warning', text: 'slow' });
    log.event({ type: 'step-end', step: 'health', result: step('health', 'success', [['notice', 'healthy: 200, 2 passes']]) });
    expect(shown()).toEqual([
      '::group::health',
      '::stop-commands::TOKEN',
      'asking',
      '! slow',
      '::TOKEN::',
      '::endgroup::',
      '✓ health  0.4 s  healthy: 200, 2 passes',
      '',
    ]);
  });

  test('streams: output is written when it comes', () => {
    log.event({ type: 'step-start', step: 'install' });
    log.event({ type: 'output', step: 'install', text: 'half a li' });
    expect(out.text()).toMatch(/half a li$/);
  });

  test('ends a last line without newline before a command', () => {
    playStep(log, step('install'), 'no newline');
    expect(shown().slice(2, 5)).toEqual(['no newline', '::TOKEN::', '::endgroup::']);
  });

  test('begins the next one even if the last was not ended', () => {
    log.event({ type: 'step-start', step: 'one' });
    log.event({ type: 'step-start', step: 'two' });
    expect(runnerCommands(out.text())).toEqual(['::group::one', '::endgroup::', '::group::two']);
  });

  test('lets colours through, but nothing that moves the cursor or sets a title', () => {
    playStep(log, step('install'), '\x1b[32mok\x1b[0m\x1b[1A\x1b[2K\x1b]0;pwned\x07\n');
    expect(shown()[2]).toBe('\x1b[32mok\x1b[0m');
  });
});

describe('text from elsewhere is never a workflow command', () => {
  const attack = 'x\n::set-output name=a::b\n  ::add-mask::x\n##[save-state name=a]b\n::endgroup::\n::stop-commands::guess\r::warning::w\n';

  test('in output, notes, problems, sentences and the reporters\' own lines', () => {
    log.event({ type: 'output', step: 'early', text: attack });
    log.event({ type: 'step-start', step: attack });
    log.event({ type: 'output', step: 'install', text: attack });
    log.event({ type: 'note', step: 'install', level: 'notice', text: attack });
    log.event({ type: 'step-end', step: 'install', result: step('install', 'failure', [['failure', attack]]), problem: { ...healthProblem, what: attack } });
    log.say(attack);
    void log.finish(failure({ sentence: attack, problem: { ...healthProblem, what: attack, next: attack, details: attack } }));
    const commands = runnerCommands(out.text());
    expect(commands).toHaveLength(2);
    expect(commands[0]).toMatch(/^::group::x ::set-output/);
    expect(commands[1]).toBe('::endgroup::');
  });

  test('nor the older form, wherever a long line is cut into pieces', () => {
    for (const pieces of [['a##', '[error]b'], ['a#', '#[error]b'], ['a', '##[error]b'], ['a##[', 'error]b'], ['#', '#', '[error]b']]) {
      for (const text of pieces) log.event({ type: 'output', step: 'install', text });
      log.event({ type: 'output', step: 'install', text: '\n' });
    }
    expect(out.text()).not.toContain('##[');
    expect(out.lines().filter((line) => /^a?## ?\[ ?error\]b$/.test(line))).toHaveLength(5);
  });

  test('commands are in force again at the end', () => {
    void log.finish(failure());
    out.restore();
    const stops = out.text().match(/::stop-commands::(\S+)/)?.[1] ?? 'none';
    expect(out.text()).toContain(`\n::${stops}::\n`);
  });

  test('each stop has a token of its own', () => {
    playStep(log, step('one'), 'a\n');
    playStep(log, step('two'), 'a\n');
    const tokens = [...out.text().matchAll(/::stop-commands::(\S+)/g)].map((match) => match[1]);
    expect(new Set(tokens).size).toBe(2);
  });
});

describe('the end', () => {
  test('says the outcome', () => {
    void log.finish(outcome());
    expect(shown()[0]).toBe('✓ shop: release 20261122T101500Z-1a2b3c4 is live on green, port 9502. (2.3 s)');
  });

  test('on failure says what, where, what to do, which settings, and shows the details', () => {
    void log.finish(failure());
    const text = out.text();
    expect(text).toContain('✗ shop: the new release is not healthy.');
    expect(text).toContain('the app did not become healthy within 60 s (step health, host deploy@shop.example.com)');
    expect(text).toContain('What to do: Look at the last lines');
    expect(text).toContain('Settings that change it: health-timeout, health-path');
    expect(text).toContain('listening on 9502\nError: no database\n');
  });
});

describe('annotations', () => {
  const annotations = (): string[] => runnerCommands(out.text()).filter((line) => /^::(notice|warning|error) /.test(line));

  test('are not written unless switched on', () => {
    playStep(log, step('install'));
    void log.finish(failure());
    expect(annotations()).toEqual([]);
  });

  test('one for each step, with its level, title and message', () => {
    log.annotate = true;
    playStep(log, step('install', 'success', [['notice', '12 packages']]));
    playStep(log, step('start', 'warning', [['warning', 'a reboot will not bring it back']]));
    playStep(log, step('health', 'failure', []), 'boom\n', healthProblem);
    expect(annotations()).toEqual([
      '::notice title=bluegreen%3A shop%3A install::success in 0.4 s%0A12 packages',
      '::warning title=bluegreen%3A shop%3A start::warning in 0.4 s%0Aa reboot will not bring it back',
      expect.stringMatching(/^::error title=bluegreen%3A shop%3A health::failure in 0.4 s%0Athe app did not become healthy .*What to do/),
    ]);
  });

  test('switched on late, in the middle of a step: those before are annotated then', () => {
    playStep(log, step('install'));
    log.event({ type: 'step-start', step: 'start' });
    log.event({ type: 'output', step: 'start', text: 'unfinished' });
    log.annotate = true;
    expect(annotations()).toEqual([expect.stringContaining('install')]);
    log.event({ type: 'output', step: 'start', text: ' line\n::warning::not a command\n' });
    expect(annotations()).toHaveLength(1);
  });

  test('at most 10 of a level, the last one for all that are left; also when switched on after the end', () => {
    for (let i = 1; i <= 14; i++) playStep(log, step(`step-${i}`));
    void log.finish(outcome());
    log.annotate = true;
    expect(annotations()).toHaveLength(10);
    expect(annotations()[9]).toMatch(/5 more steps::step-10: .*step-14: /);
  });

  test('exactly 10 are shown one by one', () => {
    log.annotate = true;
    for (let i = 1; i <= 10; i++) playStep(log, step(`step-${i}`));
    void log.finish(outcome());
    expect(annotations()[9]).toMatch(/step-10::/);
  });

  test('a failure that no step reported has one too; messages stay within the runner\'s 4096 characters', () => {
    log.annotate = true;
    void log.finish(failure({ problem: { ...healthProblem, step: '', what: 'w'.repeat(9000) } }));
    expect(annotations()).toHaveLength(1);
    expect(annotations()[0]?.length).toBeLessThan(4200);
  });
});
