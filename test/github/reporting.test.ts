import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome, StepResult } from '../../src/events.js';
import { correctCheckRun } from '../../src/report/correct.js';
import { createReporters, type ReporterOptions } from '../../src/report/reporters.js';
import type { RunInfo } from '../../src/report/run-info.js';
import { startGitHub } from '../../testbed/github.mjs';
import { captureStdout, failure, healthProblem, outcome, playStep, runInfo, runnerCommands, sha, step, workflowSha } from '../unit/report/fixtures.js';
import { gitHubValidator } from './openapi.js';

type GitHub = Awaited<ReturnType<typeof startGitHub>>;

const validate = gitHubValidator();
const token = 'ghs_workflowtoken';
const timing = { requestMs: 1000, retryDelaysMs: [10, 10], finishMs: 2000 };
const folder = mkdtempSync(join(tmpdir(), 'reporting-'));
const summaryFile = join(folder, 'summary.md');

let github: GitHub | undefined;
let out: ReturnType<typeof captureStdout>;

beforeEach(() => {
  writeFileSync(summaryFile, '');
  process.env.GITHUB_STEP_SUMMARY = summaryFile;
  out = captureStdout();
});
afterEach(async () => {
  out.restore();
  await github?.close();
  github = undefined;
});
afterAll(() => {
  delete process.env.GITHUB_STEP_SUMMARY;
  rmSync(folder, { recursive: true });
});

async function serve(options: Parameters<typeof startGitHub>[0] = {}): Promise<GitHub> {
  github = await startGitHub({ token, validate, ...options });
  return github;
}

/** Reports a whole run: the given steps, with output, then the outcome. */
async function report(api: { url: string }, steps: StepResult[], end: Outcome, changes: Partial<RunInfo> = {}, options: ReporterOptions = {}, output = 'some output\n') {
  const reporters = createReporters(runInfo({ apiUrl: api.url, token, ...changes }), { timing, ...options });
  reporters.reporter.start();
  for (const result of steps) playStep(reporters.reporter, result, output, result.status === 'failure' ? healthProblem : undefined);
  await reporters.reporter.finish(end);
  return reporters;
}

const refused = (): string[] => (github?.requests ?? []).filter((request) => request.status >= 400).map((request) => `${request.operation}: ${request.error}`);

describe('a deploy that succeeds', () => {
  test('is a check run on its commit, with an annotation for each step', async () => {
    const { url, checkRuns } = await serve();
    const { checkRunUrl, checkRunId } = await report({ url }, [step('install'), step('start', 'warning', [['warning', 'no reboot']]), step('health')], outcome());
    expect(refused()).toEqual([]);
    expect(checkRuns).toHaveLength(1);
    expect(checkRuns[0]).toMatchObject({ name: 'bluegreen: shop', head_sha: sha, status: 'completed', conclusion: 'success', external_id: '42.3' });
    expect(checkRuns[0]?.output.annotations).toMatchObject([
      { title: 'install', annotation_level: 'notice', path: '.github/workflows/deploy.yml' },
      { title: 'start', annotation_level: 'warning' },
      { title: 'health', annotation_level: 'notice' },
    ]);
    expect([checkRunUrl(), checkRunId()]).toEqual([checkRuns[0]?.html_url, checkRuns[0]?.id]);
  });

  test('is in progress while it runs', async () => {
    const { url, checkRuns } = await serve();
    const created = new Promise((resolve) => {
      const { reporter } = createReporters(runInfo({ apiUrl: url, token }), { timing, onCheckRun: resolve });
      reporter.start();
    });
    await created;
    expect(checkRuns[0]).toMatchObject({ status: 'in_progress', conclusion: null });
  });

  test('has a deployment with its statuses; the one before becomes inactive, also in production', async () => {
    const { url, deployments, statuses } = await serve();
    const changes = { environment: 'production', environmentUrl: 'https://shop.example.com' };
    await report({ url }, [step('install')], outcome(), changes);
    await report({ url }, [step('install')], failure(), changes);
    await report({ url }, [step('install')], outcome(), { ...changes, app: 'blog' });
    await report({ url }, [step('install')], outcome(), changes);
    expect(refused()).toEqual([]);
    const history = deployments.map((deployment) => [deployment.task, ...statuses.filter((status) => status.deployment === deployment.id).map((status) => status.state)]);
    expect(history).toEqual([
      ['deploy:shop', 'in_progress', 'success', 'inactive'],
      ['deploy:shop', 'in_progress', 'failure'],
      ['deploy:blog', 'in_progress', 'success'],
      ['deploy:shop', 'in_progress', 'success'],
    ]);
    expect(statuses.filter((status) => status.state === 'success').at(-1)).toMatchObject({ environment_url: 'https://shop.example.com', log_url: 'https://github.example/octo/shop/actions/runs/42' });
  });

  test('costs few requests: a create, and an update for what gathered meanwhile', async () => {
    const { url, requests } = await serve({ delayMs: 50 });
    await report({ url }, Array.from({ length: 13 }, (_, i) => step(`step-${i}`)), outcome());
    expect(requests.map((request) => request.operation)).toEqual(['checks/create', 'checks/update']);
  });
});

describe('a run that does not succeed', () => {
  test('ends its check run as a failure, with the step\'s last output', async () => {
    const { url, checkRuns } = await serve();
    await report({ url }, [step('install'), step('health', 'failure', [['failure', 'last answer: 502']])], failure());
    expect(refused()).toEqual([]);
    expect(checkRuns[0]).toMatchObject({ conclusion: 'failure', output: { title: 'shop: the new release is not healthy.' } });
    expect(checkRuns[0]?.output.annotations[1]?.raw_details).toBe('some output\n\nlistening on 9502\nError: no database');
    expect(readFileSync(summaryFile, 'utf8')).toContain('**What happened:** the app did not become healthy');
  });

  test.each(['cancelled', 'skipped'] as const)('ends it as %s', async (conclusion) => {
    const { url, checkRuns, statuses } = await serve();
    await report({ url }, [step('install', 'aborted')], outcome({ conclusion, switched: false }), { environment: 'staging' });
    expect(refused()).toEqual([]);
    expect(checkRuns[0]).toMatchObject({ status: 'completed', conclusion });
    expect(statuses.at(-1)?.state).toBe('inactive');
  });

  test('that failed before its commit was known stands on the workflow\'s commit', async () => {
    const { url, checkRuns } = await serve();
    await report({ url }, [], failure(), { deploySha: '' });
    expect(refused()).toEqual([]);
    expect(checkRuns).toMatchObject([{ head_sha: workflowSha, conclusion: 'failure' }]);
  });

  test('that was killed is completed by a later step', async () => {
    const { url, checkRuns } = await serve();
    const { reporter, checkRunId } = createReporters(runInfo({ apiUrl: url, token }), { timing });
    reporter.start();
    while (checkRunId() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await correctCheckRun(runInfo({ apiUrl: url, token }), checkRunId() ?? 0, outcome({ conclusion: 'cancelled' }), { timing })).toBe('');
    expect(refused()).toEqual([]);
    expect(checkRuns).toMatchObject([{ status: 'completed', conclusion: 'cancelled' }]);
  });
});

describe('much of everything', () => {
  test('more than 50 annotations go in several requests, in their order', async () => {
    const { url, checkRuns, requests } = await serve({ delayMs: 20 });
    const names = Array.from({ length: 123 }, (_, i) => `step-${i}`);
    await report({ url }, names.map((name) => step(name)), outcome());
    expect(refused()).toEqual([]);
    expect(checkRuns[0]?.output.annotations.map((annotation) => annotation.title)).toEqual(names);
    expect(requests.length).toBeLessThanOrEqual(5);
  });

  test('output without end, texts too long and odd characters stay within GitHub\'s limits and in bounded memory', async () => {
    const { url, checkRuns } = await serve();
    const { reporter } = createReporters(runInfo({ apiUrl: url, token, environment: 'e', app: 'shop', secrets: ['hunter2hunter2'] }), { timing });
    out.restore();
    const discarded = captureSize();
    reporter.start();
    reporter.event({ type: 'step-start', step: 'install' });
    const line = `${'é'.repeat(100)}\x1b[31m😀\ud83d\0\r\n`;
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 1000; i++) reporter.event({ type: 'output', step: 'install', text: line.repeat(300) });
    reporter.event({ type: 'output', step: 'install', text: 'x'.repeat(20_000_000) });
    const grown = process.memoryUsage().rss - before;
    const notes = Array.from({ length: 500 }, (): ['failure', string] => ['failure', line.repeat(10)]);
    reporter.event({ type: 'step-end', step: 'install', result: step('install', 'failure', notes), problem: { ...healthProblem, what: line.repeat(2000), details: line.repeat(2000) } });
    await reporter.finish(failure({ sentence: line.repeat(100), steps: [step('install', 'failure', notes)], problem: { ...healthProblem, what: line.repeat(2000) } }));
    discarded.restore();
    expect(discarded.bytes()).toBeGreaterThan(50_000_000);
    expect(grown).toBeLessThan(150 * 1024 * 1024);
    expect(refused()).toEqual([]);
    expect(checkRuns[0]).toMatchObject({ conclusion: 'failure' });
    expect(checkRuns[0]?.output.annotations[0]?.raw_details?.length).toBeLessThanOrEqual(16 * 1024);
  });
});

test('no secret is in any request, in the log or in the summary, however it is written', async () => {
  const { url, requests } = await serve();
  const secret = 'p+ss/w"rd|*hunter2_x';
  const forms = [secret, Buffer.from(secret).toString('base64'), Buffer.from(`user:${secret}`).toString('base64'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  const text = `${forms.join(' ')} ${token}\n`;
  const problem = { ...healthProblem, what: text, next: text, details: text, host: secret };
  const steps = [step('health', 'failure', [['failure', text], ['warning', text]])];
  const changes = { secrets: [secret], environment: 'production', environmentUrl: `https://x/?t=${secret}`, host: `${secret}@host` };
  const { reporter } = createReporters(runInfo({ apiUrl: url, token, ...changes }), { timing });
  reporter.start();
  reporter.event({ type: 'step-start', step: 'health' });
  for (const character of text.repeat(3)) reporter.event({ type: 'output', step: 'health', text: character });
  reporter.event({ type: 'note', step: 'health', level: 'notice', text });
  reporter.event({ type: 'step-end', step: 'health', result: steps[0] ?? step('health'), problem });
  await reporter.finish(failure({ sentence: text, steps, problem, extra: text }));
  expect(refused()).toEqual([]);
  expect(requests.length).toBeGreaterThanOrEqual(5);
  const everything = [JSON.stringify(requests.map((request) => request.body)), out.text(), readFileSync(summaryFile, 'utf8')];
  for (const shown of everything) {
    for (const form of [...forms, token]) {
      expect(shown).not.toContain(form);
      expect(shown).not.toContain(JSON.stringify(form).slice(1, -1));
    }
    expect(shown).not.toContain('hunter2');
    expect(shown).toContain('***');
  }
});

describe('when GitHub does not take it, the run goes on', () => {
  const notices = (): number => runnerCommands(out.text()).filter((command) => command.startsWith('::notice')).length;

  test('without the permissions: each is named once, and the log is annotated', async () => {
    const { url, checkRuns, deployments } = await serve({ permissions: { checks: 'read', deployments: 'none' } });
    await report({ url }, [step('install'), step('health')], outcome(), { environment: 'production' });
    expect(checkRuns).toEqual([]);
    expect(deployments).toEqual([]);
    expect(out.text().match(/403: Resource not accessible by integration.*`checks: write`/g)).toHaveLength(1);
    expect(out.text().match(/`deployments: write`/g)).toHaveLength(1);
    expect(notices()).toBe(2);
  });

  test('with a token that is refused', async () => {
    const { url } = await serve({ token: 'ghs_another' });
    await report({ url }, [step('install')], outcome());
    expect(out.text()).toContain('Check the setting github-token');
    expect(notices()).toBe(1);
  });

  test('with nothing listening', async () => {
    const { url, close } = await serve();
    await close();
    const started = Date.now();
    await report({ url }, [step('install')], outcome(), { environment: 'production' });
    expect(Date.now() - started).toBeLessThan(1500);
    expect(out.text()).toMatch(/did not answer as it should .*ECONNREFUSED/);
    expect(notices()).toBe(1);
  });

  test('with an API that is too slow: the end comes within its time limit', async () => {
    const { url } = await serve({ delayMs: 60_000 });
    const started = Date.now();
    await report({ url }, [step('install')], outcome(), { environment: 'production' }, { timing: { requestMs: 100, retryDelaysMs: [10, 10], finishMs: 500 } });
    expect(Date.now() - started).toBeLessThan(1500);
    expect(out.text()).toContain('no answer within 100 ms');
    expect(notices()).toBe(1);
  });

  test('with errors for a while: tried again, and nothing is lost', async () => {
    const { url, checkRuns } = await serve({ failWith: ({ count }) => (count <= 2 ? 502 : undefined) });
    await report({ url }, [step('install'), step('health')], outcome(), { environment: 'production' });
    expect(checkRuns[0]).toMatchObject({ conclusion: 'success' });
    expect(checkRuns[0]?.output.annotations).toHaveLength(2);
    expect(notices()).toBe(0);
  });

  test('with errors that last: a check run that was made is completed at the end, if that goes', async () => {
    let down = false;
    const { url, checkRuns } = await serve({ failWith: () => (down ? 503 : undefined) });
    let made = () => {};
    const created = new Promise<void>((resolve) => (made = resolve));
    const { reporter } = createReporters(runInfo({ apiUrl: url, token }), { timing, onCheckRun: () => made() });
    reporter.start();
    await created;
    down = true;
    playStep(reporter, step('install'));
    await new Promise((resolve) => setTimeout(resolve, 150));
    down = false;
    playStep(reporter, step('health'));
    await reporter.finish(outcome());
    expect(checkRuns).toMatchObject([{ status: 'completed', conclusion: 'success', output: { annotations: [{ title: 'install' }, { title: 'health' }] } }]);
    expect(out.text()).toContain('503');
  });
});

/** Counts what is written to standard output without keeping it. */
function captureSize(): { bytes: () => number; restore: () => void } {
  const write = process.stdout.write.bind(process.stdout);
  let bytes = 0;
  process.stdout.write = (chunk: string | Uint8Array) => {
    bytes += chunk.length;
    return true;
  };
  return { bytes: () => bytes, restore: () => (process.stdout.write = write) };
}
