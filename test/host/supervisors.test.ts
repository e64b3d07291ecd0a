import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

const node = process.execPath;

let stage: Stage;
beforeEach(async () => {
  stage = await startStage();
});

describe('supervisor process', () => {
  afterEach(async () => stage.stop());

  test('a session and a process group of its own, written down with start time and boot', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'one' }));
    expect(run.code).toBe(0);
    const [pid, started, boot] = readFileSync(join(stage.root, 'slots/green/pid'), 'utf8').trim().split(' ');
    expect(processStat(Number(pid))).toMatchObject({ session: Number(pid), group: Number(pid), started });
    expect(boot).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    expect(readFileSync(join(stage.root, 'slots/green/app.log'), 'utf8')).toBe(`version one listens on ${stage.ports.green}\n`);
    expect(run.log).toContain('a reboot will not bring shop back');
  });

  test('the end is SIGTERM to the whole group; who does not go is killed after stop-timeout, with a warning', async () => {
    const child = join(stage.dir, 'child');
    await stage.deploy(stage.repo.commit({ version: 'one' }), { start: `sleep 1000 & echo $! > ${child}; exec ${node} server.mjs` });
    const [first, sleeper] = [stage.pid('green'), Number(readFileSync(child, 'utf8'))];
    expect(isAlive(sleeper)).toBe(true);
    const second = await stage.deploy(stage.repo.commit({ version: 'two', stubborn: true }));
    expect(second.log).not.toContain('was killed');
    expect([isAlive(first), isAlive(sleeper)]).toEqual([false, false]);

    // The slot remembers how it is to be stopped: the limit is the one of its own deploy.
    const stubborn = stage.pid('blue');
    const third = await stage.deploy(stage.repo.commit({ version: 'three' }), { 'stop-timeout': '1s' });
    expect(third.code).toBe(0);
    expect(third.log).toContain('the blue slot did not end 3 s after SIGTERM and was killed (setting stop-timeout)');
    expect(isAlive(stubborn)).toBe(false);
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
  });

  test("the last five of the app's logs are kept", async () => {
    const home = join(stage.root, 'slots/green');
    mkdirSync(home, { recursive: true });
    for (const name of ['app.log', 'app.log.1', 'app.log.2', 'app.log.3', 'app.log.4']) writeFileSync(join(home, name), name);
    await stage.deploy(stage.repo.commit({ version: 'one' }));
    expect(readdirSync(home).filter((name) => name.startsWith('app.log')).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2', 'app.log.3', 'app.log.4']);
    expect(readFileSync(join(home, 'app.log'), 'utf8')).toContain('version one');
    expect([1, 2, 3, 4].map((age) => readFileSync(join(home, `app.log.${age}`), 'utf8'))).toEqual(['app.log', 'app.log.1', 'app.log.2', 'app.log.3']);
  });

  test('a start command that is not found: the PATH in force is shown with the log of the app', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'one' }), { start: 'exec no-such-server', path: '/opt/somewhere/bin' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the app ended');
    expect(run.log).toMatch(/The PATH in force was \/opt\/somewhere\/bin:\/[^ ]*\. Give the folder of the program with the setting `path`/);
  });
});

// Like a Swoole server: it puts itself in the background, keeps the standard output of the command that started it, and
// its stop command returns before it has ended.
const daemon = `import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
const pidFile = process.env.PID_FILE ?? 'daemon.pid';
const how = JSON.parse(readFileSync('release.json', 'utf8'));
if (process.argv[2] === 'start') {
  const server = spawn(process.execPath, ['daemon.mjs', 'serve'], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const file of [pidFile, 'server.pid']) writeFileSync(file, server.pid + '\\n');
  server.unref();
} else if (process.argv[2] === 'stop') {
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
} else {
  process.on('SIGTERM', () => setTimeout(() => process.exit(0), 500));
  if (how.deaf) setInterval(() => {}, 1000);
  else await import('./server.mjs');
}
`;

describe('supervisor command: an app that puts itself in the background', () => {
  // Its own handler of SIGTERM is not to answer: the daemon's does, late.
  const commit = (version: string, more: object = {}) => stage.repo.commit({ version, stubborn: true, ...more }, { 'daemon.mjs': daemon });
  const command = () => ({
    supervisor: 'command',
    start: `exec ${node} daemon.mjs start`,
    stop: `pwd >> ${join(stage.dir, 'stopped-in')}; exec ${node} daemon.mjs stop`,
  });
  const deploy = (version: string, more: Record<string, string> = {}, how: object = {}) => stage.deploy(commit(version, how), { ...command(), ...more });
  /** The servers that were started, by release. */
  const servers = () => {
    const releases = join(stage.root, 'releases');
    const files = existsSync(releases) ? readdirSync(releases).map((release) => join(releases, release, 'server.pid')) : [];
    return files.filter((file) => existsSync(file)).map((file) => Number(readFileSync(file, 'utf8')));
  };
  const known = new Set<number>();
  const running = () => servers().filter(isAlive);

  afterEach(async () => {
    for (const pid of [...servers(), ...known]) {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('daemon.mjs')) process.kill(pid, 'SIGKILL');
      } catch {
        // It ended long ago.
      }
    }
    known.clear();
    await stage.stop();
  });

  test('start returns though the daemon keeps its output; stop runs in the old folder and is waited for', async () => {
    const first = await deploy('one');
    expect(first.code).toBe(0);
    expect(first.ms).toBeLessThan(20_000);
    expect(first.log).not.toContain('reboot');
    expect(readFileSync(join(stage.root, 'slots/green/app.log'), 'utf8')).toContain('version one listens');
    const [old = 0] = running();
    expect(old).toBeGreaterThan(0);

    const second = await deploy('two');
    expect(second.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(readFileSync(join(stage.dir, 'stopped-in'), 'utf8').trim()).toBe(realpathSync(join(stage.root, 'releases', first.outputs.release ?? '')));
    expect(isAlive(old)).toBe(false);
    expect((await stage.askPort(stage.ports.green)).status).toBe(0);
    expect(second.log).not.toMatch(/still taken|killed/);
    const steps = JSON.parse(second.outputs.steps ?? '[]') as { name: string; status: string; ms: number }[];
    expect(steps.find(({ name }) => name === 'stop')).toMatchObject({ status: 'success' });
    expect(steps.find(({ name }) => name === 'stop')?.ms).toBeGreaterThan(400);

    const back = await stage.rollback({ start: '' });
    expect(back.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(running()).toHaveLength(1);
  });

  test('a server that never listens is stopped too, when its deploy has failed', async () => {
    await deploy('one');
    const [live] = running();
    const seen: number[] = [];
    const failed = deploy('two', { 'health-timeout': '2s' }, { deaf: true });
    await until(() => seen.push(...running().filter((pid) => pid !== live)), 'the deaf server runs');
    for (const pid of seen) known.add(pid);
    expect((await failed).log).toContain('not healthy within 2 s');
    await until(() => !seen.some(isAlive), 'the deaf server was stopped', 3000);
    expect(running()).toEqual([live]);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('a start command that does not return runs out of time: it is ended, with what it had started', async () => {
    const starter = join(stage.dir, 'starter');
    const failed = deploy('one', { start: `echo $$ > ${starter}; ${node} daemon.mjs start; sleep 300`, 'step-timeout': '3s' });
    await until(() => servers().length, 'the server runs');
    const [pid = 0] = servers();
    known.add(pid);
    const run = await failed;
    expect(run.code).toBe(1);
    expect(run.log).toContain('the time limit of 3 s ran out');
    await until(() => !isAlive(pid), 'the server was stopped', 3000);
    await until(() => !isAlive(Number(readFileSync(starter, 'utf8'))), 'the start command was ended', 3000);
  });

  test('a start command that fails: its status, and the end of its output', async () => {
    const run = await deploy('one', { start: 'echo the licence has expired; exit 4' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the start command ended with status 4');
    expect(run.log).toContain('the licence has expired');
    expect(existsSync(join(stage.dir, 'stopped-in'))).toBe(false);
  });

  test('a shared pid file leads the stop command to the new server: noticed, started again, and said', async () => {
    const env = { env: `PID_FILE=${join(stage.dir, 'shared.pid')}` };
    await deploy('one', env);
    const [old = 0] = running();
    const second = deploy('two', { ...env, 'stop-timeout': '3s' });
    const run = await second;
    expect(run.log).toContain('stopping the old slot ended the new one too; it was started again');
    expect(run.log).toContain('keep it inside the release');
    expect(run.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(isAlive(old)).toBe(false);
    expect(running()).toHaveLength(1);
    expect((await stage.askPort(stage.ports.green)).status).toBe(0);
  });

  test('a stop command that ends both servers: the new one is started again', async () => {
    await deploy('one', { stop: `kill $(cat ../*/server.pid)` });
    const run = await deploy('two', {});
    expect(run.log).toContain('it was started again');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(running()).toHaveLength(1);
  });

  test('a stop command that fails: its status is told, and the old server is ended all the same', async () => {
    await deploy('one', { stop: 'echo no such command; exit 7', 'stop-timeout': '1s' });
    const [old = 0] = running();
    const run = await deploy('two');
    expect(run.code).toBe(0);
    expect(run.log).toContain('the stop command ended with status 7 (setting stop)');
    expect(run.log).toMatch(new RegExp(`port ${stage.ports.green} was still taken 1 s after the stop, by user \\S+, process ${old} .*: killed`));
    expect(isAlive(old)).toBe(false);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });
});
