import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isAlive } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { startGitServer } from './git-server.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

const node = process.execPath;
const secret = `s3cr3t-${randomBytes(8).toString('hex')}`;

/** Values that a shell, a profile or a file would change if it got hold of them. */
const values: Record<string, string> = {
  QUOTES: `it's "quoted" \`id\` $(id) $HOME \\n \\`,
  SPACES: '  two  spaces  ',
  LINES: `first line\nsecond $line ${secret}\n\n'third' "line"\n`,
  UNICODE: 'Grüße 🌊 ß',
  SIGNS: '* ? [a-z] ~ !! #no;&|<>(){}',
  EMPTY: '',
  NODE_ENV: 'of-the-setting',
};
const setting = (of: Record<string, string>) => Object.entries(of).map(([name, value]) => `${name}="${value.replace(/["\\$]/g, '\\$&')}"`).join('\n');

/** Writes down the environment that a command got, outside of the root. */
const dump = `import { writeFileSync } from 'node:fs';
writeFileSync(process.argv[2], JSON.stringify({ env: process.env, cwd: process.cwd() }));
`;

let stage: Stage;
let home = '';
const versions = (function* () {
  for (let at = 1; ; at++) yield `v${at}`;
})();
const commit = (files: Record<string, string> = {}, how: object = {}) => stage.repo.commit({ version: versions.next().value ?? '', ...how }, files);
const releaseDir = (run: { outputs: Record<string, string> }) => join(stage.root, 'releases', run.outputs.release ?? '');
const reply = async () => JSON.parse((await stage.ask('/env')).body) as { env: Record<string, string>; cwd: string; shared: string | null };

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'bluegreen-home-'));
  writeFileSync(join(home, '.profile'), 'export NODE_ENV=of-the-profile QUOTES=profile FROM_PROFILE=yes PORT=1\nPATH=/profile/bin:$PATH\n');
  stage = await startStage({ env: { HOME: home, GIT_SSL_NO_VERIFY: '1' } });
});
afterAll(async () => {
  await stage?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** The files below a folder that hold a text. */
function holders(dir: string, text: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return holders(path, text);
    return entry.isFile() && readFileSync(path).includes(text) ? [path] : [];
  });
}

/** The log as people see it: the runner keeps the masks to itself. */
const shown = (log: string) => log.replace(/^::add-mask::.*$/gm, '');

describe('env, path and shell', () => {
  const got = (name: string) => JSON.parse(readFileSync(join(stage.dir, `${name}.json`), 'utf8')) as { env: Record<string, string>; cwd: string };
  const dumping = (name: string) => `exec ${node} dump.mjs ${join(stage.dir, `${name}.json`)}`;

  test('the values arrive unharmed in the app and in every command, and stand in one file', async () => {
    const run = await stage.deploy(commit({ 'dump.mjs': dump }), {
      env: setting({ ...values, SECRET: secret }),
      path: '/opt/first/bin:/opt/second/bin',
      install: dumping('install'),
      'before-switch': dumping('before-switch'),
      'after-switch': dumping('after-switch'),
    });
    expect(run.log).toContain('is live');
    const { outputs } = run;
    for (const { env, cwd } of [got('install'), got('before-switch'), got('after-switch'), await reply()]) {
      expect(env).toMatchObject({ ...values, SECRET: secret, FROM_PROFILE: 'yes' });
      expect(env).toMatchObject({ PORT: outputs.port, RELEASE: outputs.release, SHA: outputs.sha, SLOT: outputs.slot });
      expect(env.PATH).toMatch(/^\/opt\/first\/bin:\/opt\/second\/bin:\/profile\/bin:\//);
      expect(Object.keys(env).filter((name) => /^(BG|BLUEGREEN)_/.test(name))).toEqual([]);
      expect(cwd).toBe(releaseDir(run));
    }
    const file = join(stage.root, 'slots', stage.live(), 'env');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(holders(stage.root, secret)).toEqual([file]);
    expect(shown(run.log)).not.toContain(secret);
    expect(run.summary).not.toContain(secret);
  });

  test('a rollback without env keeps what the release had; where that is gone, it has what is live', async () => {
    const deployed = [];
    for (const number of ['1', '2', '3']) {
      const run = await stage.deploy(commit({ 'dump.mjs': dump }), { env: `NUMBER=${number}` });
      expect(run.code).toBe(0);
      deployed.push(run.outputs.release ?? '');
    }
    const back = await stage.rollback({ 'before-switch': dumping('before'), 'after-switch': dumping('after') });
    expect(back.outputs.release).toBe(deployed[1]);
    for (const { env } of [await reply(), got('before'), got('after')]) expect(env.NUMBER).toBe('2');
    const further = await stage.rollback({ release: deployed[0] });
    expect(further.outputs.release).toBe(deployed[0]);
    expect((await reply()).env.NUMBER).toBe('2');
    const given = await stage.rollback({ release: deployed[2], env: 'NUMBER=4' });
    expect(given.code).toBe(0);
    expect((await reply()).env.NUMBER).toBe('4');
  });

  const shells = { bash: '/usr/bin/bash', dash: '/usr/bin/dash', fish: '/usr/bin/fish', csh: '/usr/bin/csh' };
  for (const [shell, path] of Object.entries(shells)) {
    const testOrSkip = existsSync(path) ? test : test.skip;
    testOrSkip(`shell: ${shell}${existsSync(path) ? '' : ' (NOT RUN: it is not installed)'}`, async () => {
      mkdirSync(join(home, '.config', 'fish'), { recursive: true });
      writeFileSync(join(home, '.config', 'fish', 'config.fish'), 'set -gx FROM_SHELL fish\nset -gx NODE_ENV of-fish\n');
      writeFileSync(join(home, '.cshrc'), 'setenv FROM_SHELL csh\nsetenv NODE_ENV of-csh\n');
      const run = await stage.deploy(commit({ 'dump.mjs': dump }), {
        shell: shell === 'csh' ? path : shell,
        env: setting(values),
        install: `if [ "$EMPTY" = '' ]; then\n  readlink -f /proc/$$/exe > exe.txt # it's a comment!\nfi`,
        'before-switch': dumping('shell'),
      });
      expect(run.log).toContain('is live');
      for (const { env } of [await reply(), got('shell')]) {
        expect(env).toMatchObject(values);
        if (['fish', 'csh'].includes(shell)) expect(env.FROM_SHELL).toBe(shell);
        expect(env.BLUEGREEN_COMMAND).toBeUndefined();
      }
      if (['bash', 'dash'].includes(shell)) expect(readFileSync(join(releaseDir(run), 'exe.txt'), 'utf8').trim()).toBe(path);
    });
  }

  test('a shell that is not there is named', async () => {
    const run = await stage.deploy(commit(), { shell: 'no-such-shell', install: 'true' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('there is no shell no-such-shell on the host: the install command did not run');
  });

  test("a command that is not found while nvm is there: its folder, as the setting's text", async () => {
    const bin = join(home, '.nvm/versions/node/v22.1.0/bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'only-in-nvm'), '#!/bin/sh\necho nvm has it\n');
    chmodSync(join(bin, 'only-in-nvm'), 0o755);
    const sha = commit();
    const run = await stage.deploy(sha, { install: 'only-in-nvm' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the install command ended with status 127: a command was not found');
    expect(run.log).toContain('nvm is here');
    expect(run.log).toContain(`path: ${bin} `);
    const again = await stage.deploy(sha, { install: 'only-in-nvm', path: bin });
    expect(again.log).toContain('nvm has it');
    expect(again.code).toBe(0);
    rmSync(join(home, '.nvm'), { recursive: true });
  });
});

describe('shared', () => {
  test('what the first release brings becomes the content of all', async () => {
    const first = await stage.deploy(commit({ 'data/note.txt': 'first', 'data/sub/more.txt': 'more' }), { shared: 'data' });
    expect(first.code).toBe(0);
    const store = join(stage.root, 'shared/data');
    expect(readlinkSync(join(releaseDir(first), 'data'))).toBe(store);
    expect((await reply()).shared).toBe('first');
    writeFileSync(join(store, 'note.txt'), 'written later');
    const second = await stage.deploy(commit({ 'data/note.txt': 'second' }), { shared: 'data, storage/, deep/*odd [name]/' });
    expect(second.code).toBe(0);
    expect((await reply()).shared).toBe('written later');
    expect(readFileSync(join(store, 'sub/more.txt'), 'utf8')).toBe('more');
    expect(statSync(join(stage.root, 'shared/storage')).isDirectory()).toBe(true);
    expect(readlinkSync(join(releaseDir(second), 'deep/*odd [name]'))).toBe(join(stage.root, 'shared/deep/*odd [name]'));
    expect(readdirSync(join(stage.root, 'shared')).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('a file that is in neither place: what to make', async () => {
    const run = await stage.deploy(commit(), { shared: 'config/local.json' });
    expect(run.code).toBe(1);
    expect(run.log).toContain(`shared path config/local.json is neither in ${stage.root}/shared nor in the repository`);
    expect(run.log).toContain(`install -m 600 /dev/null ${stage.root}/shared/config/local.json`);
    writeFileSync(join(stage.root, 'shared/config/local.json'), '{}');
    const again = await stage.deploy(commit(), { shared: 'config/local.json' });
    expect(again.code).toBe(0);
    expect(readFileSync(join(releaseDir(again), 'config/local.json'), 'utf8')).toBe('{}');
  });

  test('what leads out is refused, and nothing there is touched', async () => {
    const outside = join(stage.dir, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'mine');
    symlinkSync(outside, join(stage.repo.work, 'linked'));
    const release = await stage.deploy(commit(), { shared: 'linked/file' });
    expect(release.code).toBe(1);
    expect(release.log).toContain('shared path linked/file leads out of the release');
    symlinkSync(join(outside, 'file'), join(stage.root, 'shared/elsewhere'));
    const store = await stage.deploy(commit(), { shared: 'elsewhere' });
    expect(store.code).toBe(1);
    expect(store.log).toContain(`shared path elsewhere leads out of ${stage.root}/shared`);
    expect(readdirSync(outside)).toEqual(['file']);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('mine');
    rmSync(join(stage.repo.work, 'linked'));
  });
});

describe('port-files', () => {
  test("either slot's port as a whole number becomes the idle slot's, and no other byte changes", async () => {
    const { blue, green } = stage.ports;
    const written = (a: number, b: number) => ({
      'port.json': `{"port": ${a}}`,
      'conf/app.ini': `port = ${a}\r\nother=${blue}0 1${blue} x${blue} ${green}1 _${green}\n[listen]\n${b};${a}:${b}\n\n`,
      'conf/long [1].js': `${'x'.repeat(150_000)};listen(${a});${'é'.repeat(50_000)}\n\tend`,
    });
    const run = await stage.deploy(commit(written(blue, green), { portFile: 'port.json' }), { 'port-files': 'port.json\nconf/app.ini\nconf/long [1].js' });
    expect(run.log).toContain('is live');
    const port = Number(run.outputs.port);
    for (const [name, text] of Object.entries(written(port, port))) expect(readFileSync(join(releaseDir(run), name), 'utf8')).toBe(text);
    expect(readdirSync(join(releaseDir(run), 'conf')).sort()).toEqual(['app.ini', 'long [1].js']);
    // In the other slot, the same release gets the other port: a rollback starts it there.
    const next = await stage.deploy(commit());
    expect(next.outputs.port).not.toBe(String(port));
    const third = await stage.deploy(commit());
    const back = await stage.rollback({ start: '', release: run.outputs.release });
    expect(third.outputs.port).toBe(String(port));
    expect(back.outputs.port).not.toBe(String(port));
    expect(JSON.parse(readFileSync(join(releaseDir(run), 'port.json'), 'utf8'))).toEqual({ port: Number(back.outputs.port) });
  });

  test.each([
    ['a link out of the release', 'away.conf', /port file away\.conf leads out of the release, to \//],
    ['a file with neither port', 'release.json', /port file release\.json holds neither port/],
    ['a file that is not there', 'missing.conf', /port file missing\.conf is not in the release/],
  ])('%s is refused', async (_what, file, message) => {
    const away = join(stage.dir, 'away.conf');
    const text = `port ${stage.ports.blue}\n`;
    writeFileSync(away, text);
    if (!existsSync(join(stage.repo.work, 'away.conf'))) symlinkSync(away, join(stage.repo.work, 'away.conf'));
    const run = await stage.deploy(commit(), { 'port-files': file });
    expect(run.code).toBe(1);
    expect(run.log).toMatch(message);
    expect(readFileSync(away, 'utf8')).toBe(text);
  });
});

describe('code and commands', () => {
  test('submodules, one of them by a relative URL, without any history in the release', async () => {
    const git = (...args: string[]) => {
      const result = spawnSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], { encoding: 'utf8' });
      if (result.status !== 0) throw new Error(result.stderr);
    };
    for (const name of ['lib', 'other']) {
      const work = join(stage.dir, `${name}-work`);
      git('init', '-q', '-b', 'main', work);
      writeFileSync(join(work, `${name}.txt`), name);
      git('-C', work, 'add', '.');
      git('-C', work, 'commit', '-q', '-m', name);
      git('clone', '-q', '--bare', work, join(stage.dir, 'repo', `${name}.git`));
    }
    const add = ['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q'];
    stage.repo.git(...add, '../lib.git', 'vendor/lib');
    stage.repo.git(...add, `file://${stage.dir}/repo/other.git`, 'vendor/other');
    const run = await stage.deploy(commit());
    expect(run.log).toContain('is live');
    for (const name of ['lib', 'other']) expect(readdirSync(join(releaseDir(run), 'vendor', name))).toEqual([`${name}.txt`]);
    const all = readdirSync(releaseDir(run), { recursive: true }).map(String);
    expect(all.filter((path) => /(^|\/)\.git$/.test(path))).toEqual([]);
    stage.repo.git('rm', '-q', '-f', 'vendor/lib', 'vendor/other', '.gitmodules');
  });

  test('a start command that is too long for one variable of the environment, with its quotes', async () => {
    const run = await stage.deploy(commit(), { start: `exec ${node} server.mjs # ${"'".repeat(20_000)}${'x'.repeat(60_000)}` });
    expect(run.log).toContain('is live on');
    expect(run.code).toBe(0);
    expect((await stage.deploy(commit())).code).toBe(0);
  });

  test('health-path and verify-url are asked for as they are, patterns of curl too', async () => {
    const file = join(stage.dir, 'asked');
    const start = `exec ${node} -e "require('http').createServer((q, r) => { require('fs').appendFileSync('${file}', q.url + '\\n'); r.end() }).listen(process.env.PORT, '127.0.0.1')"`;
    const path = "/a{b,c}[1-9]?x=[y&z='$(id)`id`;";
    const run = await stage.deploy(commit(), { start, 'health-path': path, 'health-timeout': '5s', 'verify-url': `http://127.0.0.1:${stage.ports.site}/v{1,2}[3-4]?[` });
    expect(run.log).toContain(`${path}, 2 in a row`);
    expect([...new Set(readFileSync(file, 'utf8').trim().split('\n'))].filter((asked) => asked !== '/').sort()).toEqual([path, '/v{1,2}[3-4]?['].sort());
    expect(run.code).toBe(0);
  });

  test('an after-switch that fails only warns: the traffic is where it belongs', async () => {
    const sha = commit();
    const run = await stage.deploy(sha, { 'after-switch': 'echo warming; exit 3' });
    expect(run.code).toBe(0);
    expect(run.outputs.switched).toBe('true');
    expect(run.log).toContain('the after-switch command ended with status 3');
    expect(run.log).toContain('The traffic is on the new slot');
    expect((await reply()).env.SHA).toBe(sha);
  });

  test('a background process that install leaves, with its output open, holds up nothing', async () => {
    const file = join(stage.dir, 'background');
    const run = await stage.deploy(commit(), { install: `sleep 300 & echo $! > ${file}; echo done` });
    const pid = Number(readFileSync(file, 'utf8'));
    try {
      expect(run.code).toBe(0);
      expect(run.ms).toBeLessThan(15_000);
      expect(isAlive(pid)).toBe(true);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  test('a private repository: the token reaches git, and no argument, file or log', async () => {
    const token = `ghx_${randomBytes(12).toString('hex')}`;
    const server = await startGitServer(join(stage.dir, 'repo'), stage.dir, token);
    const seen = new Set<string>();
    const watch = setInterval(() => {
      for (const entry of readdirSync('/proc')) {
        if (!/^\d+$/.test(entry)) continue;
        try {
          const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
          if (line.includes(token)) seen.add(line);
          if (line.includes('BLUEGREEN_TOKEN')) seen.add('the helper');
        } catch {
          // It ended meanwhile.
        }
      }
    }, 5);
    try {
      const sha = commit();
      const refused = await stage.deploy(sha, { repository: server.url, 'repository-token': 'wrong' });
      expect(refused.code).toBe(1);
      expect(refused.log).toContain(`git cannot fetch ${sha} from ${server.url}`);
      expect(refused.log).toContain('repository-token');
      // By the name of the branch, so that the survey asks the server too.
      const run = await stage.deploy('', { ref: 'main', repository: server.url, 'repository-token': token });
      expect(run.log).toContain('is live');
      expect(run.outputs.sha).toBe(sha);
      expect(server.users()).toContain('x-access-token');
      expect([...seen]).toEqual(['the helper']);
      expect(holders(stage.root, token)).toEqual([]);
      expect(holders(home, token)).toEqual([]);
      expect(shown(run.log)).not.toContain(token);
      expect(lstatSync(join(stage.root, 'repo.git/config')).isFile()).toBe(true);
    } finally {
      clearInterval(watch);
      await server.stop();
    }
  });
});
