import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { gantt } from '../../../src/report/gantt.js';
import { SummaryReporter, summaryMarkdown } from '../../../src/report/summary.js';
import { failure, healthProblem, outcome, runInfo, step } from './fixtures.js';

const info = runInfo({ environment: 'production' });

describe('summaryMarkdown', () => {
  test('says the outcome in one sentence, then a table of steps', () => {
    const text = summaryMarkdown(outcome(), info);
    expect(text).toContain('### bluegreen: shop @ production\n\n✅ shop: release 20261122T101500Z-1a2b3c4 is live on green, port 9502.');
    expect(text).toContain('| health | ✅ success | 0.4 s | healthy: 200, 2 passes |');
    expect(text).toContain('```mermaid\ngantt\n');
    expect(text).not.toContain('What happened');
  });

  test('on failure says what happened, where, what to do, and shows the end of the details', () => {
    const text = summaryMarkdown(failure(), info);
    expect(text).toContain('❌ shop: the new release is not healthy.');
    expect(text).toContain('**What happened:** the app did not become healthy within 60 s');
    expect(text).toContain('step **health**, host **deploy@<!-- -->shop.example.com**');
    expect(text).toContain('**What to do:** Look at the last lines of the app below.');
    expect(text).toContain('`health-timeout`, `health-path`');
    expect(text).toContain('```text\nlistening on 9502\nError: no database\n```');
  });

  test('the block of details cannot be closed by what it holds', () => {
    const details = 'a\n```\n<script>\n`````\nb';
    expect(summaryMarkdown(failure({ problem: { ...healthProblem, details } }), info)).toContain(`\`\`\`\`\`\`text\n${details}\n\`\`\`\`\`\``);
  });

  test('text from elsewhere means nothing in Markdown or HTML, and stays in its cell', () => {
    const text = summaryMarkdown(outcome({ sentence: '<img src=x> **b** [l](u)', steps: [step('a|b', 'warning', [['warning', 'x | `y`\nz <b>']])] }), info);
    expect(text).toContain('&lt;img src=x&gt; \\*\\*b\\*\\* \\[l\\](u)');
    expect(text).toContain('| a\\|b | ⚠️ warning | 0.4 s | x \\| \\`y\\`<br>z &lt;b&gt; |');
  });

  test('text from elsewhere is no link, image, mention, HTML, cell or block of its own', () => {
    const attack = 'see https://evil.example, WWW.evil.example, me@evil.example, @octocat ![x](http://evil.example/x) <img src=x> | ``` \n```\n# head';
    const text = summaryMarkdown(failure({ sentence: attack, steps: [step('install', 'failure', [['failure', attack]])], problem: { ...healthProblem, what: attack, next: attack, details: `${attack}\n\`\`\`\`\n<b>` } }), info);
    // All but the block with the details, whose fence is longer than what is in it.
    const block = /\n(`{5,})text\n[^]*?\n\1\n/.exec(text)?.[0] ?? '';
    expect(block).toContain('<b>');
    const rest = text.replace(block, '').replace(/```mermaid[^]*?```/, '');
    expect(rest.match(/:\/\/|www\.|@[a-z0-9]|(?<!\\)!\[|(?<!\\)\]\(|<(?!br>|!-- -->)|```/gi)).toBeNull();
    expect(rest.split('\n').filter((line) => line.startsWith('| install'))).toEqual([expect.stringMatching(/^(\| (\\\||[^|])*){4}\|$/)]);
  });

  test('adds what a command brings along, at the end', () => {
    expect(summaryMarkdown(outcome({ extra: '| slot | release |' }), info)).toMatch(/\| slot \| release \|\n$/);
  });

  test('stays under 1 MiB, and says when something is left out', () => {
    const text = summaryMarkdown(failure({ extra: 'é'.repeat(2_000_000), problem: { ...healthProblem, details: 'd'.repeat(3_000_000) } }), info);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024);
    expect(text).toContain('the rest is left out');
  });
});

describe('gantt', () => {
  /** What Mermaid's grammar takes for a Gantt chart, line by line. */
  const line = /^(gantt|dateFormat x|axisFormat %(s s|Q ms)|todayMarker off|section [^:;#,%]+|[^:;#,%\n]+ :(done|active|crit), s\d+, \d+, [1-9]\d*ms)$/;
  const bars = (chart: string): string[] => chart.split('\n').filter((text) => / :/.test(text));

  test('is lines of Mermaid, one bar for each step that ran', () => {
    const steps = [step('install', 'success', [], 1200), step('start', 'warning', [], 1, 1200), step('health', 'failure', [], 60_000, 1201), step('switch', 'skipped')];
    const chart = gantt(steps, 'shop');
    for (const text of chart.split('\n')) expect(text.trim()).toMatch(line);
    expect(chart).toContain('axisFormat %s s');
    expect(bars(chart).map((bar) => bar.trim())).toEqual([
      '✓ install 1.2 s :done, s0, 0, 1200ms',
      '! start 1 ms :active, s1, 1200, 307ms',
      '✗ health 1 min 0 s :crit, s2, 1201, 60000ms',
    ]);
  });

  test('names cannot end the line, the name or the chart', () => {
    const chart = gantt([step('a:b;c#d,e%%f\ng```h', 'success')], 'sh:op;#');
    for (const text of chart.split('\n')) expect(text.trim()).toMatch(line);
    expect(bars(chart)).toHaveLength(1);
  });

  test('steps of a millisecond and of none are seen', () => {
    const chart = gantt([step('lock', 'success', [], 0, 0), step('survey', 'success', [], 1, 0.4)], 'shop');
    for (const text of chart.split('\n')) expect(text.trim()).toMatch(line);
    expect(chart).toContain('axisFormat %Q ms');
  });

  test('is empty when nothing ran', () => expect(gantt([step('clone', 'skipped')], 'shop')).toBe(''));
});

describe('SummaryReporter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'summary-'));
  afterAll(() => {
    delete process.env.GITHUB_STEP_SUMMARY;
    rmSync(folder, { recursive: true });
  });

  test('does nothing without the runner\'s file', async () => {
    delete process.env.GITHUB_STEP_SUMMARY;
    await new SummaryReporter(info).finish(outcome());
  });

  test('adds to the runner\'s file', async () => {
    const file = join(folder, 'summary.md');
    writeFileSync(file, 'before\n');
    process.env.GITHUB_STEP_SUMMARY = file;
    await new SummaryReporter(info).finish(outcome());
    expect(readFileSync(file, 'utf8')).toBe(`before\n${summaryMarkdown(outcome(), info)}`);
  });
});
