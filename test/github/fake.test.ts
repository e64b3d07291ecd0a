import { afterEach, describe, expect, test } from '@jest/globals';
import { startGitHub } from '../../testbed/github.mjs';
import { gitHubValidator } from './openapi.js';

const sha = 'a'.repeat(40);
const output = { title: 't', summary: 's' };
const annotation = { path: 'x', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' };
let github: Awaited<ReturnType<typeof startGitHub>> | undefined;
afterEach(async () => github?.close());

async function ask(options: Parameters<typeof startGitHub>[0], method: string, path: string, body?: unknown, token = 'good') {
  github ??= await startGitHub(options);
  const response = await fetch(`${github.url}/repos/o/r${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body), headers: token ? { authorization: `token ${token}` } : {} });
  return { status: response.status, body: (await response.json()) as { id: number; message: string; output: unknown } };
}

describe.each([
  ['on its own', undefined],
  ['with GitHub\'s description', gitHubValidator()],
])('the API for tests refuses what GitHub refuses, %s', (_, validate) => {
  const run = { name: 'n', head_sha: sha };
  test.each([
    ['no name', { head_sha: sha }],
    ['an odd commit', { ...run, head_sha: 'main' }],
    ['completed without a conclusion', { ...run, status: 'completed' }],
    ['a conclusion that GitHub does not know', { ...run, status: 'in_progress', conclusion: 'success' }],
    ['no summary', { ...run, output: { title: 't' } }],
    ['no title', { ...run, output: { summary: 's' } }],
    ['a long title', { ...run, output: { ...output, title: 't'.repeat(256) } }],
    ['a long summary', { ...run, output: { ...output, summary: 's'.repeat(65_536) } }],
    ['a long text', { ...run, output: { ...output, text: 's'.repeat(65_536) } }],
    ['51 annotations', { ...run, output: { ...output, annotations: Array(51).fill(annotation) } }],
    ['line 0', { ...run, output: { ...output, annotations: [{ ...annotation, start_line: 0 }] } }],
    ['an unknown level', { ...run, output: { ...output, annotations: [{ ...annotation, annotation_level: 'error' }] } }],
    ['a long message', { ...run, output: { ...output, annotations: [{ ...annotation, message: 'm'.repeat(64 * 1024 + 1) }] } }],
  ])('a check run with %s', async (_, body) => {
    github = await startGitHub({ validate });
    expect((await ask({}, 'POST', '/check-runs', body)).status).toBe(422);
    expect(github.checkRuns).toEqual([]);
    expect(github.requests).toMatchObject([{ operation: 'checks/create', status: 422 }]);
  });

  test.each([
    ['an update', 'PATCH', '/check-runs/1', { status: 'in_progress', conclusion: 'success' }],
    ['a deployment\'s description', 'POST', '/deployments', { ref: sha, required_contexts: [], description: 'd'.repeat(141) }],
    ['a deployment\'s commit', 'POST', '/deployments', { ref: 'abcdef0', required_contexts: [] }],
    ['a status', 'POST', '/deployments/1/statuses', { state: 'fine' }],
  ])('%s', async (_, method, path, body) => {
    github = await startGitHub({ validate });
    await ask({}, 'POST', '/check-runs', run);
    const id = (await ask({}, 'POST', '/deployments', { ref: sha, required_contexts: [] })).body.id;
    const real = path.replace('/deployments/1', `/deployments/${id}`).replace('/check-runs/1', `/check-runs/${github.checkRuns[0]?.id}`);
    expect((await ask({}, method, real, body)).status).toBe(422);
  });
});

describe('the API for tests', () => {
  test('asks for a token and for permissions', async () => {
    github = await startGitHub({ token: 'good', permissions: { checks: 'read' } });
    expect((await ask({}, 'POST', '/check-runs', {}, '')).status).toBe(401);
    expect((await ask({}, 'POST', '/check-runs', {}, 'bad')).status).toBe(401);
    expect(await ask({}, 'POST', '/check-runs', {})).toMatchObject({ status: 403, body: { message: 'Resource not accessible by integration' } });
    expect((await ask({}, 'GET', '/check-runs/1')).status).toBe(404);
    expect((await ask({}, 'GET', '/elsewhere')).status).toBe(404);
  });

  test('adds the annotations of an update to those before', async () => {
    github = await startGitHub();
    const { body } = await ask({}, 'POST', '/check-runs', { name: 'n', head_sha: sha, output: { ...output, annotations: [annotation] } });
    await ask({}, 'PATCH', `/check-runs/${body.id}`, { output: { ...output, annotations: [annotation] } });
    expect((await ask({}, 'GET', `/check-runs/${body.id}`)).body.output).toMatchObject({ annotations_count: 2 });
  });

  test('retires earlier deployments by itself only outside production, and only if it is let', async () => {
    github = await startGitHub();
    for (const environment of ['production', 'staging', 'staging', 'staging']) {
      const { body } = await ask({}, 'POST', '/deployments', { ref: sha, required_contexts: [], environment });
      await ask({}, 'POST', `/deployments/${body.id}/statuses`, { state: 'success', auto_inactive: github.deployments.length < 4 });
    }
    const last = github.deployments.map((deployment) => github?.statuses.filter((status) => status.deployment === deployment.id).at(-1)?.state);
    expect(last).toEqual(['success', 'inactive', 'success', 'success']);
  });
});
