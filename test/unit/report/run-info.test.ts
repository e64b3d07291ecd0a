import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { checkRunName, runInfoFromEnv } from '../../../src/report/run-info.js';

const folder = mkdtempSync(join(tmpdir(), 'event-'));
afterAll(() => rmSync(folder, { recursive: true }));

const env = {
  GITHUB_REPOSITORY: 'octo/shop',
  GITHUB_SHA: 'merge',
  GITHUB_SERVER_URL: 'https://ghe.example.com',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_WORKFLOW_REF: 'octo/shop/.github/workflows/deploy.yml@refs/heads/main',
  GITHUB_API_URL: 'https://ghe.example.com/api/v3',
};

function event(name: string, payload: string): Record<string, string> {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, payload);
  return { ...env, GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: file };
}

test('reads what the runner says', () => {
  expect(runInfoFromEnv(env)).toEqual({
    repository: 'octo/shop',
    workflowSha: 'merge',
    runUrl: 'https://ghe.example.com/octo/shop/actions/runs/42',
    runAttempt: '2',
    workflowPath: '.github/workflows/deploy.yml',
    apiUrl: 'https://ghe.example.com/api/v3',
  });
});

test('is empty where the runner says nothing', () => {
  expect(runInfoFromEnv({})).toEqual({ repository: '', workflowSha: '', runUrl: '', runAttempt: '1', workflowPath: '.github', apiUrl: 'https://api.github.com' });
});

const payload = JSON.stringify({ pull_request: { head: { sha: 'head' } } });
test.each([
  ['pull_request', payload, 'head'],
  ['pull_request_review', payload, 'head'],
  ['pull_request_target', payload, 'merge'],
  ['push', payload, 'merge'],
  ['pull_request', 'not JSON', 'merge'],
  ['pull_request', 'null', 'merge'],
])('the commit of %s with %s is %s', (name, text, sha) => expect(runInfoFromEnv(event(name, text)).workflowSha).toBe(sha));

test('a workflow of another repository has no file here', () => {
  expect(runInfoFromEnv({ ...env, GITHUB_WORKFLOW_REF: 'org/shared/.github/workflows/x.yml@v1' }).workflowPath).toBe('.github');
});

test('the check run is named after the app and the environment', () => {
  expect(checkRunName({ app: 'shop', environment: '' })).toBe('bluegreen: shop');
  expect(checkRunName({ app: 'shop', environment: 'production' })).toBe('bluegreen: shop @ production');
});
