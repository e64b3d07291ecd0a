import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentText } from '../../../src/engine/agent-text.js';

const shells: [string, string[]][] = [['dash', ['/usr/bin/dash']], ['bash', ['/usr/bin/bash']], ['busybox', ['/usr/bin/busybox', 'ash']]];
const line = (run: string, live: string): string => `{"run":"${run}","command":"deploy","liveRelease":"${live}","steps":[]}`;

describe.each(shells)('the ledger, in %s', (_name, [shell = '', ...first]) => {
  let root = '';
  let ledger = '';
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-ledger-')));
    mkdirSync(join(root, 'run'));
    ledger = join(root, 'ledger.ndjson');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const run = (text: string): string => execFileSync(shell, [...first, '-c', `${agentText()}\nBG_MARK=MARK BG_ROOT=${root}\n${text}`], { encoding: 'utf8' });
  const lines = () => readFileSync(ledger, 'utf8').split('\n');

  test('a line is added; what was there stays, byte for byte', () => {
    run(`bg_ledger_add '${line('1', 'a')}'; bg_ledger_add '${line('2', 'é \\" %s \\\\n')}'`);
    expect(lines()).toEqual([line('1', 'a'), line('2', 'é \\" %s \\\\n'), '']);
    expect(readdirSync(root)).toEqual(['ledger.ndjson', 'run']);
  });

  test.each([
    ['cut off in a line', '{"run":"2","comm'],
    ['cut off at its very beginning', '{'],
    ['zeros, as after a power cut', '\0\0\0\0'],
  ])('%s: that goes, and the lines before it stay', (_case, rest) => {
    writeFileSync(ledger, `${line('1', 'a')}\n${rest}`);
    run(`bg_ledger_add '${line('3', 'b')}'`);
    expect(lines()).toEqual([line('1', 'a'), line('3', 'b'), '']);
  });

  test('a whole last line without its newline stays', () => {
    writeFileSync(ledger, line('1', 'a'));
    run(`bg_ledger_add '${line('2', 'b')}'`);
    expect(lines()).toEqual([line('1', 'a'), line('2', 'b'), '']);
  });

  test('what cannot be read is put aside, not overwritten', () => {
    mkdirSync(ledger);
    writeFileSync(join(ledger, 'something'), 'of somebody');
    expect(run(`bg_ledger_add '${line('1', 'a')}'`)).toContain('could not be read');
    expect(lines()).toEqual([line('1', 'a'), '']);
    const [aside = ''] = readdirSync(root).filter((name) => name.includes('unreadable'));
    expect(readFileSync(join(root, aside, 'something'), 'utf8')).toBe('of somebody');
  });

  test('when it cannot be written it stays as it was, and who asked is told', () => {
    writeFileSync(ledger, `${line('1', 'a')}\n`);
    mkdirSync(join(root, 'ledger.ndjson.new'));
    expect(run(`bg_ledger_add '${line('2', 'b')}' 2>/dev/null || printf failed`)).toContain('failed');
    expect(lines()).toEqual([line('1', 'a'), '']);
  });

  test('the line of a run that died is added once, also when it died between its line and its end', () => {
    const begun = '{"run":"org/x/1","command":"deploy","ref":"\\\\\\"","started":"2026"';
    const end = 'BG_AT_START=1 BG_LIVE="" bg_end_dead_ledger >/dev/null';
    writeFileSync(join(root, 'run', 'current'), begun);
    run(end);
    expect(lines().map((text) => (text ? (JSON.parse(text) as { run: string; outcome: string }) : ''))).toEqual([expect.objectContaining({ run: 'org/x/1', outcome: 'died' }), '']);
    writeFileSync(join(root, 'run', 'current'), begun);
    run(end);
    expect(lines()).toHaveLength(2);
    expect(readdirSync(join(root, 'run'))).toEqual([]);
    // One whose name only begins alike is another one.
    writeFileSync(join(root, 'run', 'current'), begun.replace('org/x/1', 'org/x/'));
    run(end);
    expect(lines()).toHaveLength(3);
  });

  test('what was live is known by the whole ledger, however many runs failed since', () => {
    const failed = Array.from({ length: 300 }, (_, at) => line(`f${at}`, '20260101T000000Z-bbbbbbb'));
    writeFileSync(ledger, [line('1', '20250101T000000Z-aaaaaaa'), ...failed, line('x', ''), '{"run":"cut","liveRelease":"20250101T000000Z-ccccccc"'].join('\n'));
    const facts = run('BG_COMMAND=deploy BG_FACTS=; bg_slot_load() { return 1; }; bg_survey_root; printf "%s" "$BG_FACTS"');
    const [, told = ''] = /waslive \+\n([^]*?)\nMARK/.exec(facts) ?? [];
    expect(told.split('\n')).toEqual(['20250101T000000Z-aaaaaaa', '20260101T000000Z-bbbbbbb']);
  });
});
