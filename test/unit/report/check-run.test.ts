import { expect, test, describe } from '@jest/globals';
import { CheckRunReporter } from '../../../src/report/check-run.js';
import type { RunInfo } from '../../../src/report/run-info.js';
import { failure, healthProblem, outcome, playStep, runInfo, sha, step, workflowSha } from './fixtures.js';
import { httpError, memoryApi, quick, settle, type Call } from './memory-api.js';

function checkRun(before?: (call: Call, count: number) => Promise<void> | void, changes: Partial<RunInfo> = {}) {
  const memory = memoryApi(before);
  const told: string[] = [];
  const created: number[] = [];
  const reporter = new CheckRunReporter(memory.api, runInfo(changes), {
    timing: quick,
    now: () => 1_795_000_000_123,
    unavailable: (reason) => told.push(reason),
    created: (run) => created.push(run.id),
  });
  return { ...memory, reporter, told, created };
}

describe('which commit', () => {
  test('the deployed one, at once, when it is known from the start', async () => {
    const { reporter, checkRuns, created } = checkRun();
    reporter.start();
    await settle();
    expect(checkRuns()).toMatchObject([{ call: 'createCheckRun', body: { head_sha: sha, status: 'in_progress', name: 'bluegreen: shop', external_id: '42.3' } }]);
    expect(created).toEqual([1]);
  });

  test.each([
    [true, sha],
    [false, workflowSha],
  ])('when it becomes known; ours: %s', async (ours, head) => {
    const { reporter, checkRuns } = checkRun(undefined, { deploySha: '', environment: 'production' });
    reporter.start();
    playStep(reporter, step('connect'));
    await settle();
    expect(checkRuns()).toEqual([]);
    reporter.event({ type: 'commit', sha, ours });
    await settle();
    expect(checkRuns()).toMatchObject([{ body: { head_sha: head, name: 'bluegreen: shop @ production', output: { annotations: [{ title: 'connect' }] } } }]);
  });

  test('the workflow\'s when it never became known: one request, complete', async () => {
    const { reporter, checkRuns } = checkRun(undefined, { deploySha: '' });
    reporter.start();
    await reporter.finish(failure());
    expect(checkRuns()).toMatchObject([{ call: 'createCheckRun', body: { head_sha: workflowSha, status: 'completed', conclusion: 'failure' } }]);
  });

  test('a commit told in the same moment as a step is not lost', async () => {
    const { reporter, checkRuns } = checkRun(undefined, { deploySha: '' });
    playStep(reporter, step('survey'));
    reporter.event({ type: 'commit', sha, ours: true });
    await settle();
    expect(checkRuns()).toHaveLength(1);
  });
});

describe('annotations', () => {
  test('one for each step as it ends, in order, on the workflow\'s file; a failure with its last output', async () => {
    const { reporter, annotations } = checkRun();
    reporter.start();
    playStep(reporter, step('install', 'success', [['notice', '12 packages']]), 'not shown\n');
    playStep(reporter, step('start', 'warning', [['warning', 'no reboot']]));
    playStep(reporter, step('health', 'failure'), `${'line\n'.repeat(100)}\x1b[31mlast line\x1b[0m\n`, healthProblem);
    await settle();
    expect(annotations()).toMatchObject([
      { path: '.github/workflows/deploy.yml', start_line: 1, end_line: 1, annotation_level: 'notice', title: 'install', message: 'success in 0.4 s\n12 packages' },
      { annotation_level: 'warning', title: 'start' },
      { annotation_level: 'failure', title: 'health', message: expect.stringContaining('What to do:') },
    ]);
    expect(annotations()[0]).not.toHaveProperty('raw_details');
    expect(annotations()[2]?.raw_details).toMatch(/line\nlast line\n\nlistening on 9502\nError: no database$/);
    expect(annotations()[2]?.raw_details?.split('\n').length).toBeLessThanOrEqual(61);
  });

  test('raw details are at most 16 KB', async () => {
    const { reporter, annotations } = checkRun();
    playStep(reporter, step('install', 'failure'), `${'y'.repeat(1000)}\n`.repeat(1000));
    await reporter.finish(failure());
    expect(Buffer.byteLength(annotations()[0]?.raw_details ?? '')).toBeLessThanOrEqual(16 * 1024);
  });

  test('gather while a request is under way: never two at once, at most 50 in one', async () => {
    const { reporter, checkRuns, annotations, mostAtOnce } = checkRun(() => settle());
    reporter.start();
    for (let i = 0; i < 130; i++) playStep(reporter, step(`step-${i}`));
    await reporter.finish(outcome());
    expect(mostAtOnce()).toBe(1);
    expect(checkRuns().map((call) => call.body.output.annotations?.length ?? 0)).toEqual([0, 50, 50, 30]);
    expect(annotations().map((annotation) => annotation.title)).toEqual(Array.from({ length: 130 }, (_, i) => `step-${i}`));
    expect(checkRuns().at(-1)?.body).toMatchObject({ status: 'completed', conclusion: 'success' });
  });

  test('a failure that no step reported has one', async () => {
    const { reporter, annotations } = checkRun();
    await reporter.finish(failure());
    expect(annotations()).toMatchObject([{ annotation_level: 'failure', title: 'health' }]);
  });
});

describe('the end', () => {
  test.each(['success', 'failure', 'cancelled', 'skipped'] as const)('concludes with %s', async (conclusion) => {
    const { reporter, checkRuns } = checkRun();
    reporter.start();
    await reporter.finish(outcome({ conclusion }));
    expect(checkRuns().at(-1)?.body).toMatchObject({ status: 'completed', conclusion, completed_at: '2026-11-18T11:06:40Z' });
    expect(reporter.url).toBe('https://github.example/runs/1');
    expect(reporter.id).toBe(1);
  });

  test('says the outcome, what to do, and which run and attempt it was', async () => {
    const { reporter, checkRuns } = checkRun();
    await reporter.finish(failure());
    const output = checkRuns().at(-1)?.body.output;
    expect(output?.title).toBe('shop: the new release is not healthy.');
    expect(output?.summary).toContain('**What to do:** Look at the last lines');
    expect(output?.text).toContain('https://github.example/octo/shop/actions/runs/42), attempt 3');
    expect(output?.text).toContain('| health | ❌ failure | 1 min 0 s | last answer: 502 |');
  });

  test('keeps GitHub\'s limits, and says what was cut', async () => {
    const { reporter, checkRuns } = checkRun();
    const steps = Array.from({ length: 40 }, (_, i) => step(`s${i}`, 'success', [['notice', 'n'.repeat(5000)]]));
    await reporter.finish(failure({ sentence: 's'.repeat(3000), steps, problem: { ...healthProblem, what: 'w'.repeat(100_000) } }));
    const output = checkRuns().at(-1)?.body.output;
    expect(output?.title.length).toBeLessThanOrEqual(255);
    for (const text of [output?.summary ?? '', output?.text ?? '']) {
      expect(text.length).toBeLessThanOrEqual(65_535);
      expect(text).toContain('the rest is left out');
    }
  });
});

describe('when the API does not do as it should', () => {
  test.each([
    [403, 'Resource not accessible by integration', /403: Resource not accessible by integration\. Add `checks: write`/],
    [404, 'Not Found', /Add `checks: write`/],
    [401, 'Bad credentials', /refused the token .*github-token/],
  ])('%s: told once, and nothing more is asked', async (status, message, expected) => {
    const { reporter, calls, told } = checkRun(() => Promise.reject(httpError(status, message)));
    reporter.start();
    await settle();
    playStep(reporter, step('install'));
    await settle();
    await reporter.finish(outcome());
    expect(calls).toHaveLength(1);
    expect(told).toEqual([expect.stringMatching(expected)]);
    expect(reporter.url).toBe('');
  });

  test.each([500, 502, 429])('%s is tried again, twice', async (status) => {
    const { reporter, checkRuns, told } = checkRun((_, count) => (count < 3 ? Promise.reject(httpError(status)) : undefined));
    reporter.start();
    await settle();
    await settle();
    expect(checkRuns()).toHaveLength(3);
    expect(told).toEqual([]);
  });

  test('a rate limit is not a missing permission', async () => {
    const { reporter, told } = checkRun((_, count) => (count < 2 ? Promise.reject(httpError(403, 'You have exceeded a secondary rate limit')) : undefined));
    await reporter.finish(outcome());
    expect(told).toEqual([]);
  });

  test('down for a while: live updates stop, all that waited is sent at the end', async () => {
    let down = true;
    const { reporter, annotations, told, checkRuns } = checkRun(() => (down ? Promise.reject(new Error('connect ECONNREFUSED')) : undefined));
    reporter.start();
    playStep(reporter, step('install'));
    await settle();
    await settle();
    playStep(reporter, step('health'));
    expect(checkRuns()).toHaveLength(3);
    down = false;
    await reporter.finish(outcome());
    expect(told).toEqual([expect.stringContaining('ECONNREFUSED')]);
    expect(annotations().map((annotation) => annotation.title)).toEqual(expect.arrayContaining(['install', 'health']));
    expect(checkRuns().at(-1)).toMatchObject({ call: 'createCheckRun', body: { conclusion: 'success' } });
  });

  test('never answers: finish is over when its time is', async () => {
    const { reporter, told } = checkRun(() => new Promise(() => {}));
    reporter.start();
    const started = Date.now();
    await reporter.finish(outcome());
    expect(Date.now() - started).toBeLessThan(900);
    expect(told).toHaveLength(1);
  });

  test('refuses the last words: at least how it ended is written', async () => {
    const { reporter, checkRuns, told } = checkRun((call) =>
      call.call === 'updateCheckRun' && call.body.output.text.includes('| Step |') ? Promise.reject(httpError(422, 'Invalid request')) : undefined,
    );
    reporter.start();
    await settle();
    await reporter.finish(failure());
    expect(checkRuns().at(-1)?.body).toMatchObject({ conclusion: 'failure', output: { title: 'shop: the new release is not healthy.' } });
    expect(checkRuns().at(-1)?.body.output.text).not.toContain('| Step |');
    expect(told).toEqual([expect.stringContaining('422: Invalid request')]);
  });
});
