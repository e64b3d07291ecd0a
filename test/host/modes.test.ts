import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { needsRoot } from './root.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

let stage: Stage;
afterEach(async () => stage?.stop());

const at = (...path: string[]) => join(stage.root, ...path);
const mode = (...path: string[]) => (lstatSync(at(...path)).mode & 0o7777).toString(8);
const deploy = (version: string, more: Record<string, string> = {}, files: Record<string, string> = {}) => stage.deploy(stage.repo.commit({ version }, files), more);

/** All below the root that is state: not what is in releases and shared, which is the app's, and no link, which has no mode. */
function state(folder = stage.root): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink() || stat.isSocket()) return [];
    const own = relative(stage.root, path);
    return [own, ...(stat.isDirectory() && own !== 'releases' && own !== 'shared' ? state(path) : [])];
  });
}

/** Fails where somebody else may write what is the deploy's alone. */
function closed(): void {
  const wide = ['', ...state()].filter((path) => lstatSync(at(path)).mode & 0o022);
  expect(wide).toEqual([]);
  for (const path of ['releases', 'shared', 'slots/green/slot.conf', `slots/${stage.live()}/pid`, 'ledger.ndjson', 'lock', 'nginx.state', 'repo.git/config', 'run']) expect(state()).toContain(path);
  expect(mode('run')).toMatch(/700$/);
  for (const slot of ['blue', 'green'].filter((slot) => existsSync(at('slots', slot, 'env')))) {
    expect([slot, mode('slots', slot, 'env')]).toEqual([slot, '600']);
    expect([slot, mode('slots', slot, 'app.log')]).toEqual([slot, expect.stringMatching(/^[67][45]0$/)]);
  }
}

/** A login whose profile takes every umask away, in each way that a login shell may have one. */
function looseLogin(): void {
  const home = join(stage.dir, 'home');
  for (const file of ['.profile', '.bash_profile', '.bashrc', '.zshenv']) writeFileSync(join(home, file), 'umask 000\n');
}

const umasks = { install: 'umask > install-umask; touch made; mkdir made.d', start: `umask > start-umask; exec ${process.execPath} server.mjs`, 'after-switch': 'umask > after-umask' };
const read = (name: string) => readFileSync(at('slots', stage.live(), 'release', name), 'utf8').trim();

describe('the root and what is in it', () => {
  test.each(['777', '2775', '755', '700'])('a root of mode %s', async (given) => {
    const before = parseInt(given, 8);
    stage = await startStage();
    chmodSync(stage.root, before);
    const run = await deploy('one', { env: 'SECRET=s3cret', shared: 'data/' });
    expect(run.log).toContain('is live on green');
    expect(mode()).toBe((before & ~0o022).toString(8));
    closed();
    expect((await deploy('two', { env: 'SECRET=s3cret', shared: 'data/', standby: 'true' })).code).toBe(0);
    expect((await stage.rollback()).code).toBe(0);
    closed();
  });

  test('a login whose umask is 000: the agent has its own, and the commands have the one of the profile', async () => {
    stage = await startStage();
    looseLogin();
    rmSync(stage.root, { recursive: true });
    const run = await deploy('one', { env: 'A=b', ...umasks, shared: 'data/' });
    expect(run.log).toContain('is live on green');
    closed();
    expect(mode()).toBe('755');
    for (const path of ['releases', 'shared', 'shared/data', 'slots', 'slots/blue', 'slots/green', 'repo.git', `releases/${readdirSync(at('releases'))[0]}`]) expect([path, mode(path)]).toEqual([path, '755']);
    expect(mode('slots/green/release/server.mjs')).toBe('644');
    expect([read('install-umask'), read('start-umask'), read('after-umask')].map((text) => parseInt(text, 8))).toEqual([0, 0, 0]);
    expect(mode('slots/green/release/made')).toBe('666');
  });

  test('a profile that sets no umask: the commands have the agent’s', async () => {
    stage = await startStage();
    expect((await deploy('one', umasks)).code).toBe(0);
    expect([read('install-umask'), read('start-umask'), read('after-umask')].map((text) => parseInt(text, 8))).toEqual([0o022, 0o022, 0o022]);
  });

  test('what somebody left open is closed by the next deploy; the files of the app are its own affair', async () => {
    stage = await startStage();
    expect((await deploy('one', { shared: 'data/', env: 'A=b' })).code).toBe(0);
    writeFileSync(at('shared/data/upload'), 'x');
    spawnSync('chmod', ['-R', '777', stage.root]);
    expect((await deploy('two', { shared: 'data/', env: 'A=b' })).code).toBe(0);
    expect(mode()).toBe('755');
    closed();
    expect(mode('shared/data/upload')).toBe('777');
    expect(mode('shared/data')).toBe('777');
  });

  test('folders that were there before, open to all, are closed', async () => {
    stage = await startStage();
    for (const path of ['slots', 'slots/blue', 'slots/green', 'releases', 'shared', 'run', 'repo.git']) {
      mkdirSync(at(path));
      chmodSync(at(path), 0o777);
    }
    expect((await deploy('one', { env: 'A=b' })).code).toBe(0);
    closed();
  });
});

/** A user of no rights, by number. */
const NOBODY = 65534;

needsRoot('what another user put into the state is refused, and is not run', async () => {
  stage = await startStage();
  expect((await deploy('one')).code).toBe(0);
  const pid = stage.pid('green');
  const marker = join(stage.dir, 'marker');
  chmodSync(at('slots/blue'), 0o777);
  writeFileSync(at('slots/blue/slot.conf'), `touch ${marker}\n`);
  chownSync(at('slots/blue/slot.conf'), NOBODY, NOBODY);
  const run = await deploy('two');
  expect(run.code).toBe(1);
  expect(run.log).toContain(`others may write, or have written, what is the user root's alone, in ${stage.root}: ./slots/blue/slot.conf`);
  expect(existsSync(marker)).toBe(false);
  expect([await stage.ask(), stage.pid('green'), isAlive(pid), stage.live()]).toEqual([{ status: 200, body: 'one' }, pid, true, 'green']);
  rmSync(at('slots/blue/slot.conf'));
  expect((await deploy('two')).code).toBe(0);
});

needsRoot('a root of another user is refused, and nothing is made in it', async () => {
  stage = await startStage();
  chownSync(stage.root, NOBODY, NOBODY);
  for (const run of [await deploy('one'), await stage.rollback()]) {
    expect(run.code).toBe(1);
    expect(run.log).toContain(`the folder ${stage.root} cannot be used by the user root`);
    expect(readdirSync(stage.root)).toEqual([]);
    expect(lstatSync(stage.root)).toMatchObject({ uid: NOBODY });
  }
});

describe('a link in shared that leads out of it', () => {
  const outside = () => join(stage.dir, 'outside');
  beforeEach(async () => {
    stage = await startStage();
    mkdirSync(outside());
    writeFileSync(join(outside(), 'file'), 'not theirs');
  });

  /** The second deploy is refused with a clear word, what is live goes on, and nothing was made or changed outside. */
  async function refused(shared: string, word: string | RegExp, files: Record<string, string> = {}): Promise<void> {
    const before = { pid: stage.pid('green'), live: stage.live(), answer: await stage.ask(), outside: listing(), releases: readdirSync(at('releases')) };
    const run = await deploy('two', { shared }, files);
    expect(run.code).toBe(1);
    expect(run.log).toMatch(word);
    expect({ pid: stage.pid('green'), live: stage.live(), answer: await stage.ask(), outside: listing(), releases: readdirSync(at('releases')) }).toEqual(before);
    expect(isAlive(before.pid)).toBe(true);
  }
  const listing = () => [...readdirSync(outside(), { recursive: true }).map(String).sort(), readFileSync(join(outside(), 'file'), 'utf8')];
  const out = /shared path \S+ leads out of (\S+\/shared|the release)/;
  const first = async (shared: string) => expect((await deploy('one', { shared }, { 'conf/app.ini': 'a' })).code).toBe(0);

  test.each([
    ['an absolute one', () => symlinkSync(outside(), at('shared/up')), 'up/'],
    ['to a file', () => symlinkSync(join(outside(), 'file'), at('shared/up')), 'up'],
    ['a relative ../', () => symlinkSync('../../../outside', at('shared/up')), 'up/'],
    ['../ to the root', () => symlinkSync('..', at('shared/up')), 'up/'],
    ['a dangling one', () => symlinkSync(join(outside(), 'new'), at('shared/up')), 'up/'],
    ['a parent folder', () => symlinkSync(outside(), at('shared/up')), 'up/a/b/'],
    ['a parent folder that is dangling', () => symlinkSync(join(outside(), 'new'), at('shared/up')), 'up/a/b/'],
    ['a parent of a file that the repository brings', () => symlinkSync(outside(), at('shared/conf')), 'conf/deep/app.ini'],
    ['two links in a row', () => (symlinkSync('second', at('shared/up')), symlinkSync(outside(), at('shared/second'))), 'up/'],
  ])('%s', async (_name, make, shared) => {
    await first('data/');
    make();
    await refused(shared, out, { 'conf/deep/app.ini': 'a' });
  });

  test('made between two deploys, in the place of a folder that both share', async () => {
    await first('data/');
    writeFileSync(at('shared/data/kept'), 'kept');
    renameSync(at('shared/data'), at('shared/data.old'));
    symlinkSync(outside(), at('shared/data'));
    await refused('data/', out);
    expect(readFileSync(at('shared/data.old/kept'), 'utf8')).toBe('kept');
  });

  test('a folder of the repository that is a link: nothing is made where it leads', async () => {
    await first('data/');
    symlinkSync(outside(), join(stage.repo.work, 'linked'));
    await refused('linked/a/b/', /shared path \S+ leads out of the release/);
  });

  test('a link to another place in shared is taken', async () => {
    await first('data/');
    cpSync(at('shared/data'), at('shared/really'), { recursive: true });
    rmSync(at('shared/data'), { recursive: true });
    symlinkSync('really', at('shared/data'));
    expect((await deploy('two', { shared: 'data/' })).code).toBe(0);
  });
});
