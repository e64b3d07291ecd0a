import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { needsRoot } from './root.js';
import type { Status } from '../../src/engine/status.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

const stepNames = (run: Run): string[] => (JSON.parse(run.outputs.steps ?? '[]') as { name: string }[]).map(({ name }) => name);

let stage: Stage;

const deploy = (version: string, more: Record<string, string> = {}) => stage.deploy(stage.repo.commit({ version }), more);
const other = () => (stage.live() === 'blue' ? 'green' : 'blue');
const workers = () => readFileSync(`/proc/${stage.nginx.pid}/task/${stage.nginx.pid}/children`, 'utf8').trim().split(' ');
const reloaded = async () => {
  const old = workers();
  expect(stage.nginx.reload().status).toBe(0);
  await until(() => !old.some((pid) => processStat(pid) && isAlive(Number(pid))), 'new workers');
};
/** A stand-in for a command, which does something first when it is called with that last argument. */
const standIn = (name: string, program: string, argument: string, instead: string) => {
  const path = join(stage.dir, name);
  writeFileSync(path, `#!/bin/sh\nfor last; do :; done\ncase $last in ${argument})\n${instead}\n;; esac\nexec ${program} "$@"\n`, { mode: 0o755 });
  return path;
};
const nginxThat = (argument: string, instead: string) => ({ 'nginx-command': stage.nginx.command.replace('/usr/sbin/nginx', standIn('nginx-stand-in', '/usr/sbin/nginx', argument, instead)) });
/** What runs is the classic form, with that port; what is on disk makes nginx follow. */
const notLoaded = async () => {
  const setUp = stage.nginx.read();
  stage.nginx.write(setUp.replace('include bluegreen/shop-http.conf;', `upstream shop { server 127.0.0.1:${stage.ports.blue}; }`).replace('include bluegreen/shop-server.conf;', '').replaceAll('$bluegreen_shop', 'shop'));
  await reloaded();
  expect((await deploy('one', { switch: '' })).code).toBe(0);
  stage.nginx.write(setUp);
};
/** All answers of the site while something happens. */
const asked = async <T>(act: () => Promise<T>) => {
  const answers = new Set<string>();
  let going = true;
  const visitor = (async () => {
    while (going) {
      const { status, body } = await stage.ask();
      answers.add(`${status} ${body}`);
    }
  })();
  const result = await act();
  going = false;
  await visitor;
  return { result, answers: [...answers].sort() };
};

afterEach(async () => stage?.stop());

describe('a rollback to the standby, in a workflow with other ports', () => {
  test.each([
    ['instant', true],
    ['reload', false],
  ] as const)('%s: leads to where the standby listens, and no visitor sees an error', async (_name, instant) => {
    stage = await startStage({ instant });
    for (const version of ['one', 'two']) expect((await deploy(version, { standby: 'true' })).code).toBe(0);
    const { result, answers } = await asked(() => stage.rollback({ ports: '9,10', 'switch-timeout': '2s' }));
    expect(answers).toEqual(['200 one', '200 two']);
    expect(result.code).toBe(0);
    expect(stepNames(result)).not.toContain('start');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });
});

describe('a standby to which nginx leads after all', () => {
  test('is not stopped for a new release', async () => {
    stage = await startStage();
    for (const version of ['one', 'two']) expect((await deploy(version, { standby: 'true' })).code).toBe(0);
    const pid = stage.pid(other());
    // What runs is not what is on disk.
    const text = stage.nginx.read();
    const { [stage.live() as 'blue']: live, [other() as 'blue']: standby } = stage.ports;
    stage.nginx.write(text.replace(`127.0.0.1:${live};`, `127.0.0.1:${standby};`));
    await reloaded();
    stage.nginx.write(text);
    const { result, answers } = await asked(() => deploy('three', { standby: 'true' }));
    expect(answers).toEqual(['200 one']);
    expect(result.code).toBe(1);
    expect(result.log).toContain(`nginx still sends requests to the standby in the ${other()} slot: it was not stopped`);
    expect(isAlive(pid)).toBe(true);
    await reloaded();
    expect((await deploy('four', { standby: 'true' })).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'four' });
  });
});

describe('a switch with which nginx is to load its files', () => {
  test('the run dies between the link and the reload: the next one loads them, and deploys', async () => {
    stage = await startStage({ instant: true });
    await notLoaded();
    const marker = join(stage.dir, 'reload');
    let child: ChildProcess | undefined;
    const done = stage.deploy(stage.repo.commit({ version: 'two' }), { switch: '', ...nginxThat('reload', `[ -e '${marker}' ] || { echo $PPID > '${marker}'; sleep 60; exit 1; }`) }, { onStart: (started: ChildProcess) => (child = started) });
    await until(() => existsSync(marker) && readFileSync(marker, 'utf8').trim(), 'the reload');
    const group = processStat(readFileSync(marker, 'utf8').trim())?.group ?? 0;
    expect(group).toBeGreaterThan(1);
    const agents = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === join(stage.root, 'lock'));
      } catch {
        return false;
      }
    });
    expect(agents).toHaveLength(1);
    process.kill(Number(agents[0]), 'SIGKILL');
    process.kill(-group, 'SIGKILL');
    child?.kill('SIGKILL');
    await done;
    expect(stage.live()).toBe('blue');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const { result, answers } = await asked(() => deploy('three', { switch: '' }));
    expect(result.log).toContain('is live on');
    expect(result.code).toBe(0);
    expect(answers.filter((answer) => !answer.startsWith('200 '))).toEqual([]);
    expect(result.log).toContain('nginx had not loaded the files by which it follows `live` yet: reloaded');
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
    expect(existsSync(join(stage.root, 'switch.intent'))).toBe(false);
  });

  test('a user who may not test and reload nginx is told so before anything is done, and how to go on', async () => {
    stage = await startStage({ instant: true });
    await notLoaded();
    const refused = await deploy('two', { switch: '', ...nginxThat('-t', "echo 'sudo: a password is required' >&2; exit 1") });
    expect(refused.code).toBe(1);
    expect(stepNames(refused)).toEqual(['connect', 'lock', 'reconcile', 'survey', 'probe', 'reconcile']);
    expect(refused.log).toMatch(/nginx has to be tested and reloaded, and the user \S+ may not do that: nothing was changed/);
    expect(refused.log).toContain(' -s reload. Or let that user do so');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });
});

describe('an instant switch at its edges', () => {
  test('a link that cannot be replaced is said, and nothing else', async () => {
    stage = await startStage({ instant: true });
    expect((await deploy('one')).code).toBe(0);
    mkdirSync(join(stage.root, 'live.new'));
    const failed = await deploy('two');
    expect(failed.code).toBe(1);
    expect(failed.log).toContain(`the link ${stage.root}/live cannot be replaced: nothing was switched`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('goes back while another app holds the lock of nginx', async () => {
    stage = await startStage({ instant: true });
    expect((await deploy('one')).code).toBe(0);
    const holder = spawn('flock', [join(stage.nginx.file, '..'), 'sleep', '60'], { stdio: 'ignore', detached: true });
    try {
      const start = `exec ${process.execPath} -e "require('http').createServer((q, r) => { r.statusCode = q.headers['user-agent'] && q.headers.host === 'shop.example.com' ? 500 : 200; r.end() }).listen(process.env.PORT, '127.0.0.1')"`;
      const failed = await deploy('two', { start, 'switch-timeout': '1s', 'lock-timeout': '1s' });
      expect(failed.code).toBe(1);
      expect(stepNames(failed).slice(-3)).toEqual(['verify', 'switch-back', 'reconcile']);
      expect(failed.log).toContain('switched back: green has the traffic again');
      expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    } finally {
      process.kill(-(holder.pid ?? 0), 'SIGKILL');
    }
  });

  test('one answer that nginx did not give in time is asked for again, and is no reason for a reload', async () => {
    stage = await startStage({ instant: true, env: { PATH: `/tmp/bluegreen-edges-${process.pid}:${process.env.PATH}` } });
    const folder = `/tmp/bluegreen-edges-${process.pid}`;
    mkdirSync(folder);
    try {
      const path = standIn('curl-stand-in', '/usr/bin/curl', '*/.bluegreen/shop', `[ -e '${join(stage.dir, 'once')}' ] || { touch '${join(stage.dir, 'once')}'; exit 28; }`);
      writeFileSync(join(folder, 'curl'), readFileSync(path), { mode: 0o755 });
      const run = await deploy('one', { switch: '' });
      expect(existsSync(join(stage.dir, 'once'))).toBe(true);
      expect(run.log).toContain('switch: instant; nginx follows');
      expect(run.code).toBe(0);
      expect(stage.nginx.errors()).not.toContain('SIGHUP');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('setup', () => {
  test('for sockets by hand, which nginx has not loaded: the deploy that finds it out names that', async () => {
    stage = await startStage({ instant: 'socket' });
    const setUp = stage.nginx.read();
    stage.nginx.write(setUp.replace('include bluegreen/shop-http.conf;', `upstream shop { server 127.0.0.1:${stage.ports.blue}; }`));
    await reloaded();
    expect((await deploy('one', { listen: 'port', switch: '' })).code).toBe(0);
    stage.nginx.write(setUp);
    const failed = await stage.deploy(stage.repo.commit({ version: 'two', listen: 'socket' }), { switch: '', 'switch-timeout': '1s' });
    expect(failed.code).toBe(1);
    expect(failed.log).toContain('nginx may not have loaded them: as root, nginx -t && nginx -s reload.');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('for sockets is refused while apps listen on both ports: nginx would send requests to both', async () => {
    stage = await startStage();
    for (const version of ['one', 'two']) expect((await deploy(version, { standby: 'true' })).code).toBe(0);
    const before = stage.nginx.read();
    const { result, answers } = await asked(() => stage.deploy('', { command: 'setup', start: '', listen: 'socket' }));
    expect(result.code).toBe(1);
    expect(result.log).toContain('apps listen on both ports');
    expect(answers).toEqual(['200 two']);
    expect(stage.nginx.read()).toBe(before);
  });

  needsRoot('and status read a folder of another user, and run nothing that stands in it', async () => {
    stage = await startStage({ instant: true });
    for (const version of ['one', "it's two"]) expect((await deploy(version, { standby: 'true' })).code).toBe(0);
    const look = async () => {
      const run = await stage.deploy('', { command: 'status', start: '' });
      expect(run.code).toBe(0);
      return JSON.parse(run.outputs.status ?? '') as Status;
    };
    const own = await look();
    expect(own.nginx.routesTo).toBe(stage.live());
    const ran = join(stage.dir, 'ran');
    for (const file of ['slots/blue/slot.conf', 'slots/green/slot.conf', 'nginx.state']) {
      const path = join(stage.root, file);
      writeFileSync(path, `${readFileSync(path, 'utf8')}touch '${ran}'\nBG_SL_STOP=$(touch '${ran}')\n`);
      chownSync(path, 65534, 65534);
    }
    chownSync(stage.root, 65534, 65534);
    const theirs = await look();
    expect(existsSync(ran)).toBe(false);
    expect(theirs.slots.blue).toMatchObject({ release: own.slots.blue.release, port: own.slots.blue.port, running: true, healthy: true });
    expect(theirs.slots.green).toMatchObject({ release: own.slots.green.release, port: own.slots.green.port, running: true, healthy: true });
    expect(theirs.nginx).toEqual(own.nginx);
    const run = await stage.deploy('', { command: 'setup', start: '' });
    expect(run.code).toBe(0);
    expect(existsSync(ran)).toBe(false);
    chownSync(stage.root, 0, 0);
  });
});

