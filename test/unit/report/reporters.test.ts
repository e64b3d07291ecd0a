import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Event, Outcome, Reporter } from '../../../src/events.js';
import { correctCheckRun, correctDeployment } from '../../../src/report/correct.js';
import { createReporters } from '../../../src/report/reporters.js';
import { redactor } from '../../../src/report/redact.js';
import { AllReporters, RedactingReporter } from '../../../src/report/safe-reporter.js';
import { captureStdout, failure, healthProblem, outcome, playStep, runInfo, runnerCommands, step } from './fixtures.js';
import { httpError, memoryApi, quick, settle } from './memory-api.js';

let out: ReturnType<typeof captureStdout>;
beforeEach(() => {
  delete process.env.GITHUB_STEP_SUMMARY;
  out = captureStdout();
});
afterEach(() => out.restore());

class Recorder implements Reporter {
  readonly seen: (Event | Outcome | 'start')[] = [];
  start(): void {
    this.seen.push('start');
  }
  event(event: Event): void {
    this.seen.push(event);
  }
  finish(outcome: Outcome): Promise<void> {
    this.seen.push(outcome);
    return Promise.resolve();
  }
}

const broken: Reporter = {
  start: () => {
    throw new Error('broken');
  },
  event: () => {
    throw new Error('broken');
  },
  finish: () => Promise.reject(new Error('broken')),
};

describe('one reporter that fails', () => {
  test.each([0, 1, 2])('does not disturb the others, at place %i; it is said once', async (place) => {
    const recorders = [new Recorder(), new Recorder()];
    const all: Reporter[] = [...recorders];
    all.splice(place, 0, broken);
    const told: string[] = [];
    const [first, ...others] = all as [Reporter, ...Reporter[]];
    const reporter = new AllReporters(first, others, (message) => told.push(message));
    reporter.start();
    reporter.event({ type: 'step-start', step: 'install' });
    await reporter.finish(outcome());
    for (const recorder of recorders) expect(recorder.seen).toHaveLength(3);
    expect(told).toEqual([expect.stringContaining('broken')]);
  });
});

describe('redaction', () => {
  const secret = 'hunter2hunter2';

  test('of every event and of the outcome, before any reporter sees them', async () => {
    const recorder = new Recorder();
    const reporter = new RedactingReporter(recorder, redactor([secret]));
    const problem = { ...healthProblem, what: secret, next: secret, details: secret, host: secret };
    reporter.start();
    reporter.event({ type: 'note', step: 'health', level: 'notice', text: secret });
    playStep(reporter, step('health', 'failure', [['failure', secret]]), `${secret.slice(0, 5)}`, problem);
    reporter.event({ type: 'output', step: 'stop', text: secret.slice(0, 5) });
    reporter.event({ type: 'output', step: 'stop', text: secret.slice(5) });
    await reporter.finish(failure({ sentence: secret, problem, extra: secret, steps: [step('health', 'failure', [['failure', secret]])] }));
    expect(JSON.stringify(recorder.seen)).not.toContain('hunter2');
    expect(recorder.seen).toContainEqual({ type: 'output', step: 'stop', text: '***' });
  });

  test('a step that is named like a secret keeps its name', () => {
    const recorder = new Recorder();
    playStep(new RedactingReporter(recorder, redactor(['health'])), step('health'));
    expect(recorder.seen).toMatchObject([{ step: 'health' }, { step: 'health', result: { name: 'health' } }]);
  });
});

describe('createReporters', () => {
  test('tells the log and the check run, and knows the check run\'s page', async () => {
    const { api, annotations } = memoryApi();
    const ids: number[] = [];
    const { reporter, checkRunUrl, checkRunId } = createReporters(runInfo(), { api, timing: quick, onCheckRun: (run) => ids.push(run.id) });
    reporter.start();
    playStep(reporter, step('install'), 'output\n');
    await reporter.finish(outcome());
    expect(annotations()).toMatchObject([{ title: 'install' }]);
    expect(runnerCommands(out.text())).toEqual(['::group::install', '::endgroup::']);
    expect([checkRunUrl(), checkRunId(), ids]).toEqual(['https://github.example/runs/1', 1, [1]]);
  });

  test('makes a deployment only with an environment', async () => {
    const without = memoryApi();
    await createReporters(runInfo(), { api: without.api, timing: quick }).reporter.finish(outcome());
    const { api, calls } = memoryApi();
    const { reporter, deploymentId } = createReporters(runInfo({ environment: 'production' }), { api, timing: quick });
    reporter.start();
    await reporter.finish(outcome());
    expect(without.calls.some((call) => call.call === 'createDeployment')).toBe(false);
    expect(calls.some((call) => call.call === 'createDeployment')).toBe(true);
    expect(deploymentId()).toBe(100);
  });

  test.each(['status', 'plan'])('%s changes nothing: no check run, no deployment, no annotations', async (command) => {
    const { api, calls } = memoryApi();
    const { reporter } = createReporters(runInfo({ command, environment: 'production' }), { api, timing: quick });
    reporter.start();
    playStep(reporter, step('survey'));
    await reporter.finish(outcome());
    expect(calls).toEqual([]);
    expect(runnerCommands(out.text())).toEqual(['::group::survey', '::endgroup::']);
  });

  test('without a token: says why, and annotates the log', async () => {
    const { reporter, checkRunUrl, checkRunId } = createReporters(runInfo({ token: '' }));
    reporter.start();
    playStep(reporter, step('install'));
    await reporter.finish(outcome());
    expect(out.text()).toContain('No check run: the setting github-token is empty. The steps are annotated in the log instead.');
    expect(runnerCommands(out.text())).toContainEqual(expect.stringMatching(/^::notice title=bluegreen%3A shop%3A install::/));
    expect([checkRunUrl(), checkRunId()]).toEqual(['', undefined]);
  });

  test('without permission: says which one, annotates the log, and goes on', async () => {
    const { api } = memoryApi(() => Promise.reject(httpError(403, 'Resource not accessible by integration')));
    const { reporter } = createReporters(runInfo({ environment: 'production' }), { api, timing: quick });
    reporter.start();
    playStep(reporter, step('install'));
    await settle();
    playStep(reporter, step('health'));
    await reporter.finish(outcome());
    expect(out.text().match(/checks: write/g)).toHaveLength(1);
    expect(out.text().match(/deployments: write/g)).toHaveLength(1);
    const notices = runnerCommands(out.text()).filter((command) => command.startsWith('::notice'));
    expect(notices).toEqual([expect.stringContaining('install'), expect.stringContaining('health')]);
  });

  test('a callback that throws harms nothing', async () => {
    const { api, checkRuns } = memoryApi();
    const onCheckRun = () => {
      throw new Error('disk full');
    };
    await createReporters(runInfo(), { api, timing: quick, onCheckRun }).reporter.finish(outcome());
    expect(checkRuns()).toHaveLength(1);
    expect(out.text()).toContain('disk full');
  });

  test('the log says the outcome without waiting for the API', async () => {
    const { api } = memoryApi(() => new Promise(() => {}));
    const { reporter } = createReporters(runInfo(), { api, timing: quick });
    reporter.start();
    const finished = reporter.finish(outcome());
    expect(out.text()).toContain('is live on green');
    await finished;
  });
});

describe('correcting what a killed run left', () => {
  test('completes its check run', async () => {
    const { api, checkRuns } = memoryApi();
    expect(await correctCheckRun(runInfo({ secrets: ['hunter2hunter2'] }), 7, failure({ sentence: 'cancelled hunter2hunter2' }), { api, timing: quick })).toBe('');
    expect(checkRuns()).toMatchObject([{ call: 'updateCheckRun', id: 7, body: { status: 'completed', conclusion: 'failure', output: { title: 'cancelled ***' } } }]);
  });

  test('ends its deployment', async () => {
    const { api, states } = memoryApi();
    states.set(99, 'success');
    expect(await correctDeployment(runInfo({ environment: 'production' }), 100, outcome(), { api, timing: quick })).toBe('');
    expect(Object.fromEntries(states)).toEqual({ 99: 'inactive', 100: 'success' });
  });

  test('says why it could not', async () => {
    const { api } = memoryApi(() => Promise.reject(httpError(403)));
    expect(await correctCheckRun(runInfo(), 7, outcome(), { api, timing: quick })).toContain('checks: write');
  });
});
