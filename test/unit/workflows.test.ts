import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { outputs } from '../../src/settings/outputs.js';
import { settingsSchema } from '../../src/settings/schema.js';

/**
 * A program that runs GitHub's own validator on files. It is bundled because the package imports JSON in a way that
 * Node 20 refuses. What `uses: org/bluegreen-action@…` takes is read from our action.yml; of the two actions of GitHub
 * it knows the inputs that our workflows use.
 */
const VALIDATOR = `
  import { validate } from '@actions/languageservice';
  import { TextDocument } from 'vscode-languageserver-textdocument';
  import { parse } from 'yaml';
  import { readFileSync } from 'node:fs';

  const [action, ...files] = process.argv.slice(2);
  const ours = parse(readFileSync(action, 'utf8'));
  const known = {
    'bluegreen-action': ours,
    checkout: { name: 'Checkout', inputs: { 'fetch-depth': {}, 'persist-credentials': {} } },
    'setup-node': { name: 'Setup Node.js', inputs: { 'node-version': {} } },
  };
  const actionsMetadataProvider = { fetchActionMetadata: async ({ name }) => known[name] };
  const found = {};
  for (const file of files) {
    const document = TextDocument.create('file://' + file, 'yaml', 1, readFileSync(file, 'utf8'));
    const diagnostics = await validate(document, { actionsMetadataProvider });
    found[file] = diagnostics.map(({ message, range }) => (range.start.line + 1) + ': ' + message);
  }
  console.log(JSON.stringify(found));
`;

const EXAMPLES = ['examples/deploy.yml', 'examples/rollback.yml', 'examples/host.yml'];
const OWN = readdirSync('.github/workflows').map((name) => `.github/workflows/${name}`);

let folder = '';
let bundle = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bluegreen-workflows-'));
  bundle = join(folder, 'validator.mjs');
  await build({
    stdin: { contents: VALIDATOR, resolveDir: process.cwd() },
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What GitHub's validator says, by file: `line: message`. */
function validateFiles(...files: string[]): Record<string, string[]> {
  return JSON.parse(execFileSync(process.execPath, [bundle, 'action.yml', ...files], { encoding: 'utf8' })) as Record<string, string[]>;
}

/** What it says of a copy of a file with some text replaced. */
function validateChanged(file: string, from: string, to: string, name = 'broken.yml'): string[] {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  const copy = join(folder, name);
  writeFileSync(copy, text.replace(from, to));
  return validateFiles(copy)[copy] ?? [];
}

interface Workflow {
  on: Record<string, unknown>;
  permissions?: Record<string, string>;
  concurrency?: { group: string; 'cancel-in-progress': boolean };
  jobs: Record<string, { permissions?: Record<string, string>; 'timeout-minutes'?: number; steps: { uses?: string; run?: string; with?: Record<string, string> }[] }>;
}

function workflow(file: string): Workflow {
  return parse(readFileSync(file, 'utf8')) as Workflow;
}

function usedActions(file: string): string[] {
  return Object.values(workflow(file).jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
}

describe("GitHub's own validator", () => {
  test('finds nothing wrong in action.yml, the examples and our own workflows', () => {
    const files = ['action.yml', ...EXAMPLES, ...OWN];
    expect(validateFiles(...files)).toEqual(Object.fromEntries(files.map((file) => [file, []])));
  });

  test.each([
    ['a job without a runner', 'examples/deploy.yml', '    runs-on: ubuntu-latest\n', '', /runs-on/],
    ['an unknown context', 'examples/deploy.yml', 'secrets.DEPLOY_KEY', 'secret.DEPLOY_KEY', /Unrecognized named-value: 'secret'/],
    ['an input that the action does not have', 'examples/deploy.yml', 'health-path:', 'heath-path:', /heath-path/],
    ['an input that is required and left out', 'examples/rollback.yml', '          app: shop\n', '', /Missing required input `app`/],
    ['a misspelt permission', 'examples/deploy.yml', 'checks: write', 'check: write', /Unexpected value 'check'/],
    ['a key that concurrency does not know', 'examples/deploy.yml', 'queue: max', 'queued: max', /queued/],
  ])('finds %s', (_, file, from, to, message) => {
    expect(validateChanged(file, from, to)).toEqual([expect.stringMatching(message)]);
  });

  test('finds a broken action.yml', () => {
    expect(validateChanged('action.yml', 'post-if: always()', 'post-iff: always()', 'action.yml')).toEqual([expect.stringContaining('post-iff')]);
  });
});

describe('action.yml', () => {
  interface ActionFile {
    inputs: Record<string, { description: string; required: boolean; default?: string }>;
    outputs: Record<string, { description: string }>;
    runs: Record<string, string>;
  }
  const action = parse(readFileSync('action.yml', 'utf8')) as ActionFile;

  test('has the inputs and outputs of the schema, and runs dist before and after', () => {
    expect(Object.keys(action.inputs)).toEqual(Object.keys(settingsSchema.shape));
    expect(Object.keys(action.outputs)).toEqual(outputs.map(({ name }) => name));
    expect(action.runs).toEqual({ using: 'node24', main: 'dist/index.js', post: 'dist/post.js', 'post-if': 'always()' });
  });

  test("gives the workflow's token as the default of both tokens, and asks for what every command needs", () => {
    expect(action.inputs['github-token']?.default).toBe('${{ github.token }}');
    expect(action.inputs['repository-token']?.default).toBe('${{ github.token }}');
    const required = Object.entries(action.inputs).filter(([, input]) => input.required);
    expect(required.map(([name]) => name)).toEqual(['host', 'private-key', 'app']);
  });
});

describe('our own workflows', () => {
  test.each(OWN)('%s uses actions by commit only, with the version beside it', (file) => {
    expect(usedActions(file).length).toBeGreaterThan(0);
    for (const action of usedActions(file)) expect(action).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
    const lines = readFileSync(file, 'utf8').split('\n').filter((line) => /^\s*(- )?uses:/.test(line));
    expect(lines).toHaveLength(usedActions(file).length);
    for (const line of lines) expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test.each(OWN)('%s gives the token nothing but what a job needs, and ends each job', (file) => {
    expect(workflow(file).permissions).toEqual(file.endsWith('/release.yml') ? {} : { contents: 'read' });
    for (const job of Object.values(workflow(file).jobs)) {
      expect(job.permissions ?? {}).toEqual(file.endsWith('/release.yml') ? { contents: 'write' } : {});
      expect(job['timeout-minutes']).toBeGreaterThan(0);
    }
  });

  test('ci runs all commands and sees new files in dist, on Node 20 and 24', () => {
    const text = readFileSync('.github/workflows/ci.yml', 'utf8');
    const runs = Object.values(workflow('.github/workflows/ci.yml').jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect(runs).toEqual(expect.arrayContaining(['npm test', 'npm run demo', 'sudo env "PATH=$PATH" npm run test:faults', expect.stringContaining('git status --porcelain --untracked-files=all dist')]));
    expect(text.match(/node: \[20, 24\]/g)).toHaveLength(Object.keys(workflow('.github/workflows/ci.yml').jobs).length);
  });

  test('no workflow puts an expression into a script', () => {
    for (const file of [...OWN, ...EXAMPLES]) {
      const scripts = Object.values(workflow(file).jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
      for (const script of scripts) expect(script).not.toContain('${{');
    }
  });

  test('dependabot keeps npm packages and actions up to date', () => {
    const config = parse(readFileSync('.github/dependabot.yml', 'utf8')) as { version: number; updates: { 'package-ecosystem': string; directory: string; schedule: { interval: string } }[] };
    expect(config.version).toBe(2);
    expect(config.updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'github-actions']);
    for (const update of config.updates) expect(update).toMatchObject({ directory: '/', schedule: { interval: 'weekly' } });
  });
});

describe("the release workflow's scripts", () => {
  const scripts = Object.values(workflow('.github/workflows/release.yml').jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => (run?.includes('\n') ? run : [])));
  const [checkTag = '', checkDist = '', publish = ''] = scripts;
  // Inside a git hook, GIT_DIR would lead git back into this repository.
  const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  let checkout = '';

  /** Runs a script as the runner does, in a checkout, with a `gh` and a `node` that only write down how they were called. */
  function run(script: string, tag: string): { status: number | null; output: string } {
    const env = { ...ENV, TAG: tag, PATH: `${join(checkout, '..', 'bin')}:${process.env.PATH ?? ''}` };
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', script], { cwd: checkout, env, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const commit = (message: string) => git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--allow-empty', '-m', message);

  beforeAll(() => {
    const base = mkdtempSync(join(folder, 'release-'));
    checkout = join(base, 'checkout');
    mkdirSync(join(base, 'bin'));
    mkdirSync(checkout);
    writeFileSync(join(base, 'bin', 'gh'), '#!/bin/sh\necho "gh $*"\n[ "$1 $2" != "release view" ]\n', { mode: 0o755 });
    writeFileSync(join(base, 'bin', 'node'), '#!/bin/sh\n', { mode: 0o755 });
    git('init', '--quiet', '--bare', join(base, 'origin.git'));
    git('init', '--quiet');
    git('remote', 'add', 'origin', join(base, 'origin.git'));
    for (const version of ['v1.2.3', 'v1.10.0', 'v2.0.0']) {
      commit(version);
      git('tag', version);
    }
    git('tag', 'v1.11.0-rc.1');
  });

  test('take version tags only', () => {
    for (const tag of ['v1.2.3', 'v0.0.1', 'v10.20.30']) expect(run(checkTag, tag).status).toBe(0);
    for (const tag of ['v1', 'v1.2', 'v1.2.3-rc.1', 'v01.2.3', '1.2.3', 'v1.2.3;id', 'v1.2.3\n', 'x/v1.2.3', '']) expect([tag, run(checkTag, tag).status]).toEqual([tag, 1]);
  });

  test('stop when the build changed dist or added a file to it', () => {
    expect(run(checkDist, 'v1.2.3').status).toBe(0);
    mkdirSync(join(checkout, 'dist'));
    writeFileSync(join(checkout, 'dist', 'new.js'), '');
    expect(run(checkDist, 'v1.2.3')).toEqual({ status: 1, output: expect.stringContaining('?? dist/new.js') });
    rmSync(join(checkout, 'dist'), { recursive: true });
  });

  test('move v1 to the highest v1 tag, and never back', () => {
    const major = (name: string) => git('ls-remote', 'origin', `refs/tags/${name}`).split('\t')[0];
    expect(run(publish, 'v1.10.0')).toEqual({ status: 0, output: expect.stringContaining('gh release create v1.10.0 --verify-tag --generate-notes --latest=false') });
    expect(major('v1')).toBe(git('rev-parse', 'v1.10.0'));

    expect(run(publish, 'v1.2.3')).toEqual({ status: 0, output: expect.stringContaining('v1 stays at v1.10.0') });
    expect(major('v1')).toBe(git('rev-parse', 'v1.10.0'));

    expect(run(publish, 'v2.0.0').output).toContain('gh release create v2.0.0 --verify-tag --generate-notes --latest=true');
    expect(major('v2')).toBe(git('rev-parse', 'v2.0.0'));

    commit('a fix');
    git('tag', 'v1.10.1');
    expect(run(publish, 'v1.10.1').status).toBe(0);
    expect(major('v1')).toBe(git('rev-parse', 'v1.10.1'));
  });
});

describe('the examples', () => {
  test.each([
    ['examples/deploy.yml', { contents: 'read', checks: 'write', deployments: 'write' }],
    ['examples/rollback.yml', { checks: 'write', deployments: 'write' }],
  ])('%s has least permissions, and waits for a run of the same app', (file, permissions) => {
    const { jobs, concurrency, ...rest } = workflow(file);
    expect(rest.permissions).toEqual(permissions);
    expect(Object.values(jobs).every((job) => job.permissions === undefined)).toBe(true);
    expect(concurrency).toMatchObject({ group: 'deploy-shop', 'cancel-in-progress': false });
  });

  test('looking at the host may not write anything on GitHub, and waits for nobody', () => {
    const { permissions, concurrency, on } = workflow('examples/host.yml');
    expect(permissions).toEqual({ contents: 'read' });
    expect(concurrency).toBeUndefined();
    expect(on).toMatchObject({ workflow_dispatch: { inputs: { command: { options: ['setup', 'plan', 'status'] } } } });
  });

  test('use the action of this repository, by its major version', () => {
    for (const file of EXAMPLES) expect(usedActions(file)).toEqual(['org/bluegreen-action@v1']);
  });

  test('deploy on a push to main; roll back by hand, with a release if one is named', () => {
    expect(workflow('examples/deploy.yml').on).toEqual({ push: { branches: ['main'] } });
    expect(workflow('examples/rollback.yml').on).toMatchObject({ workflow_dispatch: { inputs: { release: { type: 'string', required: false } } } });
    const inputs = workflow('examples/rollback.yml').jobs.rollback?.steps[0]?.with;
    expect(inputs).toMatchObject({ command: 'rollback', release: '${{ inputs.release }}' });
  });
});
