import { describe, expect, test } from '@jest/globals';
import { DeploymentReporter } from '../../../src/report/deployment.js';
import type { RunInfo } from '../../../src/report/run-info.js';
import { failure, healthProblem, outcome, runInfo, sha, workflowSha } from './fixtures.js';
import { httpError, memoryApi, quick, settle, type Call } from './memory-api.js';

function deployment(changes: Partial<RunInfo> = {}, before?: (call: Call) => Promise<void> | void) {
  const memory = memoryApi(before);
  const told: string[] = [];
  const info = runInfo({ environment: 'production', environmentUrl: 'https://shop.example.com', ...changes });
  const reporter = new DeploymentReporter(memory.api, info, { timing: quick, unavailable: (reason) => told.push(reason) });
  const statuses = () => memory.calls.flatMap((call) => (call.call === 'createDeploymentStatus' ? [{ id: call.id, ...call.body }] : []));
  return { ...memory, reporter, told, statuses };
}

test('is made for the commit, with a status while the run is under way', async () => {
  const { reporter, calls, statuses } = deployment();
  reporter.start();
  await settle();
  expect(calls[0]).toMatchObject({
    call: 'createDeployment',
    body: { ref: sha, task: 'deploy:shop', environment: 'production', auto_merge: false, required_contexts: [], payload: { app: 'shop', sha } },
  });
  expect(statuses()).toMatchObject([{ id: 100, state: 'in_progress', log_url: 'https://github.example/octo/shop/actions/runs/42', auto_inactive: false }]);
});

test('stands on the workflow\'s commit when the deployed one is of another repository', async () => {
  const { reporter, calls } = deployment({ deploySha: '' });
  reporter.start();
  reporter.event({ type: 'commit', sha, ours: false });
  await settle();
  expect(calls[0]).toMatchObject({ body: { ref: workflowSha, payload: { sha } } });
});

test('is not made when the commit never became known', async () => {
  const { reporter, calls } = deployment({ deploySha: '' });
  reporter.start();
  await reporter.finish(failure());
  expect(calls).toEqual([]);
});

describe('ends', () => {
  test.each([
    ['success', outcome(), 'success'],
    ['failure', failure(), 'failure'],
    ['failure before anything was tried', failure({ problem: { ...healthProblem, step: 'connect' } }), 'error'],
    ['cancelled before the switch', outcome({ conclusion: 'cancelled', switched: false }), 'inactive'],
    ['cancelled after the switch', outcome({ conclusion: 'cancelled', switched: true }), 'success'],
    ['skipped', outcome({ conclusion: 'skipped', switched: false }), 'inactive'],
  ] as const)('%s', async (_, result, state) => {
    const { reporter, statuses } = deployment();
    reporter.start();
    await reporter.finish(result);
    const last = statuses().filter((status) => status.id === 100).at(-1);
    expect(last).toMatchObject({ state, description: result.sentence });
    expect(last?.environment_url).toBe(state === 'success' ? 'https://shop.example.com' : undefined);
  });

  test('descriptions stay within 140 characters', async () => {
    const { reporter, statuses } = deployment();
    reporter.start();
    await reporter.finish(outcome({ sentence: 'x'.repeat(500) }));
    for (const status of statuses()) expect(status.description.length).toBeLessThanOrEqual(140);
  });
});

describe('those before', () => {
  test('become inactive after a success, if they were active; failed ones stay failed', async () => {
    const { reporter, states } = deployment();
    states.set(97, 'success').set(98, 'failure').set(99, 'success');
    reporter.start();
    await reporter.finish(outcome());
    expect(Object.fromEntries(states)).toEqual({ 97: 'inactive', 98: 'failure', 99: 'inactive', 100: 'success' });
  });

  test.each([['failure', failure()], ['cancelled', outcome({ conclusion: 'cancelled', switched: false })]] as const)('stay active after %s', async (_, result) => {
    const { reporter, states } = deployment();
    states.set(99, 'success');
    reporter.start();
    await reporter.finish(result);
    expect(states.get(99)).toBe('success');
  });
});

test.each([403, 404])('%s: told once which permission is missing', async (status) => {
  const { reporter, told, calls } = deployment({}, () => Promise.reject(httpError(status)));
  reporter.start();
  await reporter.finish(outcome());
  expect(told).toEqual([expect.stringContaining('deployments: write')]);
  expect(calls).toHaveLength(1);
});

test('an API that never answers does not hold the run up', async () => {
  const { reporter, told } = deployment({}, () => new Promise(() => {}));
  reporter.start();
  const started = Date.now();
  await reporter.finish(outcome());
  expect(Date.now() - started).toBeLessThan(900);
  expect(told).toHaveLength(1);
});
