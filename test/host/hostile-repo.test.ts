import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Status } from '../../src/engine/status.js';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(180_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

let stage: Stage;
/** A folder beside the root with a file in it that nobody may touch, and where nothing may appear. */
let outside = '';
/** A program that leaves a trace wherever it is run. */
let canary = '';

const treasure = 'not yours\n';
const traces = () => readdirSync(outside, { recursive: true }).map(String).filter((path) => path !== 'treasure');
const releaseDir = (run: Run, of = stage) => join(of.root, 'releases', run.outputs.release ?? '');

function makeOutside(): void {
  outside = join(stage.dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'treasure'), treasure);
  canary = join(stage.dir, 'canary');
  writeFileSync(canary, `#!/bin/sh\necho "$0 $*" >>'${outside}/ran'\n`);
  chmodSync(canary, 0o755);
}

function untouched(): void {
  const found = [traces(), readFileSync(join(outside, 'treasure'), 'utf8')];
  // For the next one, if something is there.
  for (const path of traces()) rmSync(join(outside, path), { recursive: true, force: true });
  writeFileSync(join(outside, 'treasure'), treasure);
  expect(found).toEqual([[], treasure]);
}

function git(input: Buffer | undefined, ...args: string[]): string {
  const who = { GIT_AUTHOR_NAME: 'Eve', GIT_AUTHOR_EMAIL: 'eve@example.com', GIT_COMMITTER_NAME: 'Eve', GIT_COMMITTER_EMAIL: 'eve@example.com' };
  const result = spawnSync('git', args, { cwd: stage.repo.work, input, env: { ...process.env, ...who, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' } });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')} failed:\n${String(result.stderr)}`);
  return String(result.stdout).trim();
}

/** The work tree and the branch as after the first, harmless commit. */
function begin(): void {
  const [first = ''] = git(undefined, 'rev-list', '--max-parents=0', 'HEAD', '--').split('\n');
  git(undefined, 'push', '-q', '-f', 'origin', `${first}:refs/heads/main`);
  git(undefined, 'reset', '-q', '--hard', first);
  git(undefined, 'clean', '-q', '-f', '-d', '-x');
}

/** An entry of a tree that no work tree can hold, or that git would not take from one. */
interface Entry {
  path: string;
  text?: string;
  /** A link, to that. */
  link?: string;
  /** A submodule, at that commit. */
  commit?: string;
  /** A folder, with these in it. */
  entries?: Entry[];
}

const MODES = { file: '100755', link: '120000', commit: '160000', folder: '40000' };

/** Writes a tree as git itself never would: names are not looked at. */
function tree(entries: [mode: string, id: string, path: string][]): string {
  const sorted = [...entries].sort(([mode, , one], [otherMode, , other]) => Buffer.compare(Buffer.from(one + (mode === MODES.folder ? '/' : '')), Buffer.from(other + (otherMode === MODES.folder ? '/' : ''))));
  const parts = sorted.flatMap(([mode, id, path]) => [Buffer.from(`${mode} ${path}\0`), Buffer.from(id, 'hex')]);
  return git(Buffer.concat(parts), 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin');
}

function entry({ path, text = '', link, commit, entries }: Entry): [string, string, string] {
  if (commit) return [MODES.commit, commit, path];
  if (entries) return [MODES.folder, tree(entries.map(entry)), path];
  return [link === undefined ? MODES.file : MODES.link, git(Buffer.from(link ?? text), 'hash-object', '-w', '--stdin'), path];
}

/** The commit of the app with these entries in its top folder, pushed. */
function planted(version: string, entries: Entry[]): string {
  stage.repo.commit({ version });
  const names = new Set(entries.map(({ path }) => path));
  const kept = git(undefined, 'ls-tree', '-z', 'HEAD').split('\0').filter(Boolean).map((line): [string, string, string] => {
    const [, mode = '', id = '', path = ''] = /^(\S+) \S+ (\S+)\t(.*)$/s.exec(line) ?? [];
    return [mode.replace(/^0/, ''), id, path];
  });
  const top = tree([...kept.filter(([, , path]) => !names.has(path)), ...entries.map(entry)]);
  const sha = git(undefined, 'commit-tree', top, '-p', 'HEAD', '-m', `Version ${version}`);
  git(undefined, 'push', '-q', '-f', 'origin', `${sha}:refs/heads/hostile`);
  return sha;
}

describe('a repository that wants out of its release', () => {
  let count = 0;
  beforeAll(async () => {
    stage = await startStage();
    makeOutside();
    expect((await stage.deploy(stage.repo.commit({ version: 'good' }))).code).toBe(0);
  });
  afterAll(async () => stage?.stop());
  beforeEach(() => {
    count++;
    begin();
  });
  afterEach(untouched);

  const written = (make: (work: string) => void, files: Record<string, string> = {}) => {
    make(stage.repo.work);
    return stage.repo.commit({ version: `v${count}` }, files);
  };
  const clean = () => {
    begin();
    return stage.repo.commit({ version: `next${count}` });
  };

  const outsideFile = () => join(outside, 'treasure');
  const marks: [string, (work: string) => void][] = [
    ['.release.json is a link to a file outside', (work) => symlinkSync(outsideFile(), join(work, '.release.json'))],
    ['.release.json is a link to a file that is to appear outside', (work) => symlinkSync(join(outside, 'new'), join(work, '.release.json'))],
    ['.release.json is a link to a folder outside', (work) => symlinkSync(outside, join(work, '.release.json'))],
    ['.release.json.new is a link to a file outside', (work) => symlinkSync(outsideFile(), join(work, '.release.json.new'))],
    ['.release.json.new is a link to a file that is to appear outside', (work) => symlinkSync(join(outside, 'new'), join(work, '.release.json.new'))],
    ['.release.json is a folder', (work) => (mkdirSync(join(work, '.release.json')), writeFileSync(join(work, '.release.json/x'), ''))],
    ['.release.json.new is a folder', (work) => (mkdirSync(join(work, '.release.json.new')), writeFileSync(join(work, '.release.json.new/x'), ''))],
    ['.release.json is there already', (work) => writeFileSync(join(work, '.release.json'), '{"id":"20260101T000000Z-aaaaaaa","sha":"x"}\n')],
  ];
  const install = 'test ! -e .release.json && test ! -L .release.json';
  test.each(marks.map(([what, make], at) => ({ what: at % 2 ? `${what} (with install)` : what, make, more: at % 2 ? { install } : {} })))('$what', async ({ make, more }) => {
    const run = await stage.deploy(written(make), more);
    expect(run.code).toBe(0);
    const mark = join(releaseDir(run), '.release.json');
    expect(lstatSync(mark).isFile()).toBe(true);
    expect(JSON.parse(readFileSync(mark, 'utf8'))).toMatchObject({ id: run.outputs.release, sha: run.outputs.sha });
    expect(existsSync(`${mark}.new`)).toBe(false);
    // The next run takes it for a whole one.
    expect((await stage.deploy(clean())).code).toBe(0);
    expect(lstatSync(mark).isFile()).toBe(true);
  });

  /** Refused before anything that serves was touched. */
  const refused = async (deploy: Promise<Run>, message: string | RegExp) => {
    const before = { live: stage.live(), pid: stage.pid(stage.live()), serves: (await stage.ask()).body };
    const run = await deploy;
    expect(run.log).toMatch(message);
    expect(run.code).toBe(1);
    expect({ live: stage.live(), pid: stage.pid(stage.live()), serves: (await stage.ask()).body }).toEqual(before);
  };

  test.each([
    ['a folder on the way is a link', 'linked/sub/file', (work: string) => symlinkSync(outside, join(work, 'linked'))],
    ['a folder on the way is a link, and the path a folder', 'linked/sub/deep/', (work: string) => symlinkSync(outside, join(work, 'linked'))],
    ['a folder on the way is a relative link', 'a/up/outside/new/file', (work: string) => (mkdirSync(join(work, 'a')), symlinkSync('../../../../..', join(work, 'a/up')))],
    ['a folder on the way is a link to a folder that is to appear', 'linked/new/file', (work: string) => symlinkSync(join(outside, 'appears'), join(work, 'linked'))],
    ['a folder on the way is a link through a link', 'one/x/file', (work: string) => (symlinkSync('two', join(work, 'one')), symlinkSync(outside, join(work, 'two')))],
    ['a folder on the way is a link to itself', 'loop/x/file', (work: string) => symlinkSync('loop', join(work, 'loop'))],
  ])('shared: %s', async (_what, shared, make) => {
    await refused(stage.deploy(written(make), { shared }), `shared path ${shared} leads out of the release`);
  });

  test('shared: a link that an earlier release brought into the shared folder', async () => {
    const sha = written((work) => (mkdirSync(join(work, 'data')), symlinkSync(outside, join(work, 'data/x'))));
    expect((await stage.deploy(sha, { shared: 'data' })).code).toBe(0);
    begin();
    for (const shared of ['data/x/file', 'data/x/new/', 'data/x/new/more/']) {
      await refused(stage.deploy(written(() => undefined, { 'data/x/file': 'mine' }), { shared }), `shared path ${shared} leads out of ${stage.root}/shared`);
      untouched();
    }
    rmSync(join(stage.root, 'shared/data'), { recursive: true });
  });

  test.each([
    ['a link to a file outside', 'port.json', (work: string) => symlinkSync(join(outside, 'treasure'), join(work, 'port.json'))],
    ['a file in a folder that is a link', 'linked/treasure', (work: string) => symlinkSync(outside, join(work, 'linked'))],
    ['a link to a folder', 'linked', (work: string) => symlinkSync(outside, join(work, 'linked'))],
    ['a link to nothing', 'port.json', (work: string) => symlinkSync(join(outside, 'appears'), join(work, 'port.json'))],
  ])('port-files: %s', async (_what, file, make) => {
    await refused(stage.deploy(written(make), { 'port-files': file }), new RegExp(`port file ${file} (leads out of|is not in) the release`));
  });

  test.each([
    ['a link to a file outside', (work: string) => symlinkSync(join(outside, 'treasure'), join(work, 'port.json.bluegreen'))],
    ['a link to a file that is to appear', (work: string) => symlinkSync(join(outside, 'appears'), join(work, 'port.json.bluegreen'))],
    ['a folder', (work: string) => mkdirSync(join(work, 'port.json.bluegreen'))],
  ])('port-files: the name of the file that is written first is %s', async (_what, make) => {
    const files = { 'port.json': `{"port": ${stage.ports.blue}}`, 'port.json.bluegreen/x': '' };
    const sha = written((work) => {
      make(work);
      if (!existsSync(join(work, 'port.json.bluegreen')) || lstatSync(join(work, 'port.json.bluegreen')).isSymbolicLink()) delete (files as Record<string, string>)['port.json.bluegreen/x'];
    }, files);
    const run = await stage.deploy(sha, { 'port-files': 'port.json' });
    expect(run.code).toBe(0);
    expect(JSON.parse(readFileSync(join(releaseDir(run), 'port.json'), 'utf8'))).toEqual({ port: Number(run.outputs.port) });
  });

  const module = (url: string, more = '', path = 'vendor', name = 'vendor') => `[submodule "${name}"]\n\tpath = ${path}\n\turl = ${url}\n${more}`;
  test.each([
    ['a remote helper', () => module(`ext::${canary} x`)],
    ['a remote helper in quotes', () => module(`"ext::sh -c ${canary}%20x"`)],
    ['an option of ssh for a host', () => module(`ssh://-oProxyCommand=${canary}/x`)],
    ['an option of ssh for a user', () => module(`ssh://-oProxyCommand=${canary}@127.0.0.1/x`)],
    ['an option of ssh in percents', () => module(`ssh://%2doProxyCommand=${canary}/x`)],
    ['an option of ssh in the short form', () => module(`-oProxyCommand=${canary}:x`)],
    ['an option of git', () => module(`--upload-pack=${canary}`)],
    ['an option of git behind a path', () => module(`./--upload-pack=${canary}`)],
    ['a path far up', () => module('../../../../../../../../../..')],
    ['a command to update with', () => module(stage.repo.url, `\tupdate = !${canary}\n`)],
    ['a name that leads out', () => module(stage.repo.url, '', 'vendor', '../../../../outside/x')],
    ['a path that leads out', () => module(stage.repo.url, '', '../../../../outside/x')],
    ['a path that is an option', () => module(stage.repo.url, '', `--upload-pack=${canary}`)],
    ['a branch that is an option', () => module(stage.repo.url, `\tbranch = --upload-pack=${canary}\n`)],
  ])('.gitmodules: %s', async (_what, text) => {
    const before = stage.live();
    const head = git(undefined, 'rev-parse', 'HEAD');
    const run = await stage.deploy(planted(`v${count}`, [{ path: '.gitmodules', text: text() }, { path: 'vendor', commit: head }]));
    // Either way: git refuses it and the deploy says so, or git takes no notice of it.
    if (run.code === 0) {
      expect((await stage.ask()).body).toBe(`v${count}`);
    } else {
      expect(run.log).toContain('with its submodules');
      expect(stage.live()).toBe(before);
    }
    expect(existsSync(join(releaseDir(run), '.git'))).toBe(false);
  });

  test.each([
    ['.gitmodules is a link', () => [{ path: '.gitmodules', link: join(outside, 'treasure') }]],
    ['.gitmodules is a folder', () => [{ path: '.gitmodules', entries: [{ path: 'x', text: '' }] }]],
    ['a .git in the tree', () => [{ path: '.git', entries: [{ path: 'config', text: `[core]\n\tfsmonitor = ${canary}\n` }] }]],
    ['a .git in other letters', () => [{ path: '.GIT', entries: [{ path: 'config', text: `[core]\n\tfsmonitor = ${canary}\n` }] }]],
    ['a folder that is named ..', () => [{ path: '..', entries: [{ path: 'x', text: 'x' }] }]],
    ['a file with a path for a name', () => [{ path: '../../../outside/x', text: 'x' }]],
    ['a link, and a file of the same name behind it', () => [{ path: 'outside', link: outside }, { path: 'outside', entries: [{ path: 'x', text: 'x' }] }]],
  ])('%s', async (_what, entries) => {
    const before = stage.live();
    const run = await stage.deploy(planted(`v${count}`, entries()));
    if (run.code !== 0) {
      expect(run.log).toMatch(/cannot check out|cannot fetch/);
      expect(stage.live()).toBe(before);
    }
    expect((await stage.deploy(clean())).code).toBe(0);
  });

  test('names of files that are options, lines, patterns and no text; the releases are pruned with them', async () => {
    const names = ['-rf', '--help', '--', '-oProxyCommand=x', 'two\nlines', ' ', '*', '?', '[a]', `$(touch x)`, '`touch x`', ';touch x', '\x1b[31mred', '\r', '::set-output name=x::y', 'ünïcode 🦊', '\\', '"', "'", '~', '.bluegreen.1'];
    for (let round = 0; round < 3; round++) {
      const folder = { path: '-f', entries: names.map((path) => ({ path, text: 'x' })) };
      const run = await stage.deploy(planted(`v${count}.${round}`, [...names.map((path) => ({ path, text: 'x' })), folder, { path: '-l', link: outside }]), { 'keep-releases': '1' });
      expect(run.code).toBe(0);
      expect(readdirSync(releaseDir(run))).toEqual(expect.arrayContaining([...names, '-f', '-l']));
      expect(readdirSync(join(stage.root, 'releases')).length).toBeLessThanOrEqual(3);
    }
    const status = await stage.deploy('', { command: 'status', start: '' });
    expect(status.code).toBe(0);
    expect((await stage.deploy(clean(), { 'keep-releases': '1' })).code).toBe(0);
    expect((await stage.deploy(clean(), { 'keep-releases': '1' })).code).toBe(0);
    expect(readdirSync(join(stage.root, 'releases'))).toHaveLength(2);
  });

  // What git would do by its own configuration, it does only by the deploying user's, and that is not in the repository.
  test.each([
    ['', []],
    [', with submodules', [['.gitmodules', '']]],
  ] as const)('attributes, hooks and configuration in the repository do nothing%s', async (_how, more) => {
    const config = `[core]\n\tfsmonitor = ${canary}\n\thooksPath = hooks\n\tsshCommand = ${canary}\n\tbare = true\n\trepositoryformatversion = 0\n[filter "canary"]\n\tsmudge = ${canary}\n\tprocess = ${canary}\n\trequired\n[uploadpack]\n\tpackObjectsHook = ${canary}\n[include]\n\tpath = .gitconfig\n`;
    const hook = `#!/bin/sh\nexec ${canary} hook\n`;
    const files = {
      '.gitattributes': '*.bin filter=canary diff=canary merge=canary\n* export-ignore ident\nnext.txt export-subst\n',
      'a.bin': 'as it is\n',
      'next.txt': '$Format:%H$ $Id$\n',
      '.gitconfig': config,
      // To git, the folder of the release could pass for a bare repository.
      config,
      HEAD: 'ref: refs/heads/main\n',
      'objects/x': '',
      'refs/heads/x': '',
      ...Object.fromEntries(['post-checkout', 'post-index-change', 'fsmonitor-watchman', 'reference-transaction', 'pre-auto-gc'].flatMap((name) => [[`hooks/${name}`, hook], [`.githooks/${name}`, hook]])),
      ...Object.fromEntries(more),
    };
    const sha = written((work) => {
      mkdirSync(join(work, 'hooks'));
      mkdirSync(join(work, '.githooks'));
      for (const [path, text] of Object.entries(files)) if (path.includes('hooks/')) writeFileSync(join(work, path), text, { mode: 0o755 });
    }, files);
    for (let round = 0; round < 2; round++) {
      const run = await stage.deploy(sha, { 'allow-older': 'true' });
      expect(run.code).toBe(0);
      expect(readFileSync(join(releaseDir(run), 'a.bin'), 'utf8')).toBe('as it is\n');
      expect(readFileSync(join(releaseDir(run), 'next.txt'), 'utf8')).toContain('$Format:%H$');
      expect(existsSync(join(releaseDir(run), 'hooks/post-checkout'))).toBe(true);
      untouched();
    }
    expect((await stage.rollback()).code).toBe(0);
    expect((await stage.deploy('', { command: 'status', start: '' })).code).toBe(0);
  });

  test('the variables of env reach the commands, and no git of the deploy', async () => {
    const env = `GIT_SSH_COMMAND=${canary}\nGIT_CONFIG_GLOBAL=${outside}/config\nGIT_CONFIG_COUNT=1\nGIT_CONFIG_KEY_0=core.fsmonitor\nGIT_CONFIG_VALUE_0=${canary}\nGIT_DIR=${outside}\nGIT_INDEX_FILE=${outside}/index\nGIT_TRACE=${outside}/trace\nGIT_EXEC_PATH=${outside}\nLD_PRELOAD_X=x\nHOME=${outside}`;
    const run = await stage.deploy(written(() => undefined, { '.gitmodules': '' }), { env, install: `test "$GIT_DIR" = '${outside}' && echo 'it came here'` });
    expect(run.log).toContain('it came here');
    expect(run.code).toBe(0);
  });

  test('branches and a default branch that are named like options', async () => {
    const sha = written(() => undefined);
    const bare = ['--git-dir', stage.repo.url];
    const names = [`--upload-pack=${canary.replaceAll('/', '+')}`, '-oProxyCommand=x', '--all', '-'];
    for (const name of names) git(undefined, ...bare, 'update-ref', `refs/heads/${name}`, sha);
    git(undefined, ...bare, 'symbolic-ref', 'HEAD', `refs/heads/${names[0]}`);
    try {
      for (const ref of ['HEAD', 'main', sha, `refs/heads/${names[0]}`]) {
        const run = await stage.deploy('', { ref, 'allow-older': 'true' });
        expect(run.log).toContain('is live on');
        expect(run.outputs.sha).toBe(sha);
      }
      const option = await stage.deploy('', { ref: names[0] ?? '' });
      expect(option.code).toBe(1);
      expect(option.log).toContain('The setting ref is wrong');
      // As a submodule, too.
      const run = await stage.deploy(planted(`v${count}.module`, [{ path: '.gitmodules', text: module(stage.repo.url) }, { path: 'vendor', commit: sha }]));
      expect(run.code).toBe(0);
      expect(existsSync(join(releaseDir(run), 'vendor/server.mjs'))).toBe(true);
    } finally {
      git(undefined, ...bare, 'symbolic-ref', 'HEAD', 'refs/heads/main');
      for (const name of names) git(undefined, ...bare, 'update-ref', '-d', `refs/heads/${name}`);
    }
  });
});

/** What a path may hold that a shell, a pattern, a URL or nginx would take for something else. */
const odd = `it's a "root" $(touch x) \`touch x\` ü 🦊 ;&|<>{}!*?[a] \\ %n %20 #~ -x`;

/** The app in old JavaScript: node refuses modules in a folder with a backslash in its path. */
const appText = `const { version, unhealthy } = JSON.parse(require('fs').readFileSync('release.json', 'utf8'));
const server = require('http').createServer((request, response) => {
  response.statusCode = unhealthy ? 503 : 200;
  response.end(version);
});
if (process.env.SOCKET) server.listen(process.env.SOCKET);
else server.listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => process.exit());
`;

describe('a root with spaces, quotes and signs in its path', () => {
  afterEach(async () => stage?.stop());

  test.each([
    ['reload', odd, false],
    ['reload, a dollar and a line separator of its own', '$HOME ${PATH} $$', false],
    ['instant', odd.replaceAll('$', ''), true],
    ['instant, sockets', `a "b" 'c' ü{};# \\`, 'socket'],
  ] as const)('%s: deploy, second deploy, rollback, status and prune work', async (_how, folder, instant) => {
    stage = await startStage({ folder, instant });
    makeOutside();
    const listen = instant === 'socket' ? { listen: 'socket' as const } : {};
    const settings = { start: `exec ${process.execPath} app.cjs`, shared: 'data/', 'port-files': 'port.json', install: 'pwd > where', 'keep-releases': '2', env: 'A=1' };
    const commit = (version: string) => stage.repo.commit({ version, ...listen }, { 'port.json': `${stage.ports.blue}`, 'app.cjs': appText });
    for (const version of ['one', 'two', 'three']) {
      const run = await stage.deploy(commit(version), settings);
      expect(run.log).toContain('is live on');
      expect(run.code).toBe(0);
      expect(await stage.ask()).toEqual({ status: 200, body: version });
      expect(readFileSync(join(releaseDir(run), 'where'), 'utf8')).toBe(`${releaseDir(run)}\n`);
      expect(readFileSync(join(releaseDir(run), 'port.json'), 'utf8')).toBe(run.outputs.port);
    }
    expect(readdirSync(join(stage.root, 'releases'))).toHaveLength(2);
    const back = await stage.rollback({ start: '' });
    expect(back.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const look = await stage.deploy('', { command: 'status', start: '' });
    expect(look.code).toBe(0);
    const status = JSON.parse(look.outputs.status ?? '') as Status;
    // Connections to a socket leave no trace: they are seen while they last, or not.
    expect(instant === 'socket' ? [stage.live(), null] : [stage.live()]).toContain(status.nginx.routesTo);
    expect(status.slots[stage.live() as 'blue']).toMatchObject({ running: true, healthy: true, release: back.outputs.release });
    const failed = await stage.deploy(stage.repo.commit({ version: 'bad', unhealthy: true, ...listen }), { start: settings.start, 'health-timeout': '1s' });
    expect(failed.code).toBe(1);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(stage.ledger().map(({ outcome }) => outcome)).toEqual(['success', 'success', 'success', 'success', 'failed']);
    // Nothing was made beside it.
    expect(readdirSync(dirname(stage.root))).toEqual([folder]);
  });

  test('a dollar, which nginx would take for a variable, is refused where nginx is to follow the link', async () => {
    stage = await startStage({ folder: 'a $b' });
    makeOutside();
    for (const more of [{ switch: 'instant' }, { command: 'setup', start: '' }]) {
      const run = await stage.deploy(stage.repo.commit({ version: 'one' }), more);
      expect(run.code).toBe(1);
      expect(run.log).toMatch(/has a "\$" in its path, which nginx takes for a variable/);
      expect(existsSync(join(stage.root, 'live'))).toBe(false);
    }
  });
});
