import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { needsRoot } from './root.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

const stepNames = (run: Run): string[] => (JSON.parse(run.outputs.steps ?? '[]') as { name: string }[]).map(({ name }) => name);

describe('nginx that follows live: no reload, no file touched', () => {
  let stage: Stage;

  afterEach(async () => stage?.stop());

  const begin = async (instant: boolean | 'socket' = true) => {
    stage = await startStage({ instant });
  };
  const deploy = (version: string, more: Record<string, string> = {}, how: object = {}) => stage.deploy(stage.repo.commit({ version, ...how }), more);
  const reloads = () => stage.nginx.errors().split('signal 1 (SIGHUP) received').length - 1;
  const workers = () => readFileSync(`/proc/${stage.nginx.pid}/task/${stage.nginx.pid}/children`, 'utf8').trim();
  /** The same configuration with another text in some place, in force. */
  const reconfigured = async (from: string | RegExp, to: string) => {
    const text = stage.nginx.read();
    expect(text).toMatch(from);
    stage.nginx.write(text.replace(from, to));
    await reloaded();
  };
  const reloaded = async () => {
    const old = workers().split(' ');
    expect(stage.nginx.reload().status).toBe(0);
    await until(() => workers() !== '' && !old.some((pid) => processStat(pid) && isAlive(Number(pid))), 'new workers');
  };

  test('deploys and a rollback: the link is all that changes, and the steps say so', async () => {
    await begin();
    const [config, before] = [stage.nginx.read(), workers()];
    const first = await deploy('one');
    expect(first.code).toBe(0);
    expect(first.outputs).toMatchObject({ slot: 'green', switched: 'true' });
    expect(first.log).toContain(`switch: instant; nginx follows ${stage.root}/live, which leads to nothing yet`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const second = await deploy('two');
    expect(second.code).toBe(0);
    expect(stepNames(second)).toEqual(['connect', 'lock', 'reconcile', 'survey', 'probe', 'clone', 'start', 'health', 'switch', 'verify', 'drain', 'stop', 'prune']);
    expect(second.log).toMatch(/live -> slots\/blue in \d+\.\d{3} ms; nginx follows/);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect((await stage.rollback()).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(stage.nginx.read()).toBe(config);
    expect(workers()).toBe(before);
    expect(reloads()).toBe(0);
  });

  test('is what is taken without a setting, where nginx answers so; with switch: reload nginx is reloaded all the same', async () => {
    await begin();
    const first = await deploy('one', { switch: '' });
    expect(first.log).toContain('switch: instant; nginx follows');
    expect(reloads()).toBe(0);
    const second = await deploy('two', { switch: 'reload' });
    expect(second.code).toBe(0);
    expect(reloads()).toBe(1);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('nginx has not loaded its new files yet: this switch reloads it and says why, the next one is instant', async () => {
    await begin();
    const setUp = stage.nginx.read();
    // What runs is the classic form, what is on disk the new one.
    stage.nginx.write(setUp.replace(/include bluegreen\/shop-http\.conf;/, `upstream shop { server 127.0.0.1:${stage.ports.blue}; }`).replace(/include bluegreen\/shop-server\.conf;/, '').replace(/\$bluegreen_shop/g, 'shop'));
    await reloaded();
    expect((await deploy('one', { switch: '' })).code).toBe(0);
    expect(stage.live()).toBe('green');
    stage.nginx.write(setUp);
    const refused = await deploy('two', { switch: 'instant' });
    expect(refused.code).toBe(1);
    expect(refused.log).toContain('the running nginx does not do what its files say');
    expect(stepNames(refused)).toEqual(['connect', 'lock', 'reconcile', 'survey', 'probe', 'reconcile']);
    const [before, pid] = [reloads(), stage.pid('green')];
    const second = await deploy('two', { switch: '' });
    expect(second.code).toBe(0);
    expect(second.log).toContain('switch: reload; the running nginx has not loaded its files yet');
    expect(reloads()).toBe(before + 1);
    expect(isAlive(pid)).toBe(false);
    const third = await deploy('three', { switch: '' });
    expect(third.log).toContain('switch: instant; nginx follows');
    expect(reloads()).toBe(before + 1);
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
  });

  test('not set up: refused when it is asked for, with the way to it; else a reload, with the reason', async () => {
    stage = await startStage();
    const refused = await deploy('one', { switch: 'instant' });
    expect(refused.code).toBe(1);
    expect(refused.log).toContain('nginx is not set up for switch: instant of shop');
    expect(refused.log).toContain('command: setup');
    const run = await deploy('one');
    expect(run.code).toBe(0);
    expect(run.log).toMatch(/switch: reload, since no server block has `proxy_pass http:\/\/\$bluegreen_shop;`/);
  });


  needsRoot("a folder that nginx's user may not search is named before anything is done", async () => {
    await begin();
    await reconfigured('user root;', 'user nobody nogroup;');
    const refused = await deploy('one');
    expect(refused.code).toBe(1);
    expect(refused.log).toContain(`nginx's user nobody may not search ${stage.dir}, so that nginx cannot follow ${stage.root}/live`);
    expect(refused.log).toContain(`chmod o+x ${stage.dir}`);
    chmodSync(stage.dir, 0o711);
    expect((await deploy('one')).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  needsRoot('nginx does not follow within a second: live goes back, the cause is named, the old app goes on', async () => {
    await begin();
    await reconfigured('user root;', 'user nobody nogroup;');
    chmodSync(stage.dir, 0o711);
    // The slot green is what an unreadable link would look like: nginx's first choice is blue.
    expect((await deploy('one')).code).toBe(0);
    expect((await deploy('two')).code).toBe(0);
    expect(stage.live()).toBe('blue');
    const pid = stage.pid('blue');
    const failed = await deploy('three', { 'before-switch': `chmod 700 '${join(stage.root, 'slots')}'` });
    expect(failed.code).toBe(1);
    expect(failed.log).toContain(`nginx's user nobody may not search ${stage.root}/slots`);
    expect(failed.outputs.switched).toBe('false');
    expect(stage.live()).toBe('blue');
    expect(stage.pid('blue')).toBe(pid);
    expect(isAlive(pid)).toBe(true);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    chmodSync(join(stage.root, 'slots'), 0o755);
    expect((await deploy('four')).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'four' });
  });

  test('another configuration loaded in the middle of a deploy: live goes back, and what nginx answers is shown', async () => {
    await begin();
    expect((await deploy('one')).code).toBe(0);
    expect((await deploy('two')).code).toBe(0);
    const text = stage.nginx.read();
    const other = join(stage.dir, 'other.conf');
    writeFileSync(other, text.replace('include bluegreen/shop-server.conf;', 'set $bluegreen_shop shop-blue;'));
    // Somebody else's reload, of a file without the include.
    const failed = await deploy('three', { 'before-switch': `cp '${stage.nginx.file}' '${other}.old'; cp '${other}' '${stage.nginx.file}'; ${stage.nginx.command} -s reload; sleep 0.5` });
    expect(failed.code).toBe(1);
    expect(failed.log).toContain(`nginx did not follow ${stage.root}/live within a second: it was put back`);
    expect(failed.log).toMatch(/\.bluegreen\/shop answers "/);
    expect(stage.live()).toBe('blue');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('a release that fails through nginx after the switch: the link goes back, the old app never stopped', async () => {
    await begin();
    expect((await deploy('one')).code).toBe(0);
    const pid = stage.pid('green');
    // Healthy when it is asked itself, not for a visitor.
    const failed = await deploy('two', { start: `exec ${process.execPath} -e "require('http').createServer((q, r) => { r.statusCode = q.headers['user-agent'] && q.headers.host === 'shop.example.com' ? 500 : 200; r.end() }).listen(process.env.PORT, '127.0.0.1')"`, 'switch-timeout': '2s' });
    expect(failed.code).toBe(1);
    expect(failed.log).toContain('answers 500 (before the switch: 200)');
    expect(stepNames(failed).slice(-3)).toEqual(['verify', 'switch-back', 'reconcile']);
    expect(stage.live()).toBe('green');
    expect(stage.pid('green')).toBe(pid);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(await stage.askPort(stage.ports.blue)).toEqual({ status: 0, body: '' });
  });

  test('a managed file that somebody changed is refused by survey, naming it', async () => {
    await begin();
    const file = join(stage.nginx.file, '..', 'bluegreen', 'shop-http.conf');
    writeFileSync(file, readFileSync(file, 'utf8').replace('keepalive_timeout 1s', 'keepalive_timeout 60s'));
    const refused = await deploy('one');
    expect(refused.code).toBe(1);
    expect(refused.log).toContain('bluegreen/shop-http.conf:');
    expect(refused.log).toContain('command: setup');
  });

  test('ports swapped in the settings change nothing; other ports want another setup', async () => {
    await begin();
    expect((await deploy('one')).code).toBe(0);
    const swapped = await deploy('two', { ports: `${stage.ports.green},${stage.ports.blue}` });
    expect(swapped.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const others = await deploy('three', { ports: '9,10' });
    expect(others.code).toBe(1);
    expect(others.log).toContain('command: setup');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('the live app is dead: the deploy says what that means, has nothing to drain, and the site comes back', async () => {
    await begin();
    expect((await deploy('one')).code).toBe(0);
    process.kill(-stage.pid('green'), 'SIGKILL');
    await until(async () => (await stage.ask()).status === 502, 'the site is down');
    const run = await deploy('two');
    expect(run.code).toBe(0);
    expect(run.log).toContain('the live app does not run: until the switch nginx sends its requests to the new release');
    expect(stepNames(run)).not.toContain('drain');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });
});

describe('an app on a Unix socket', () => {
  let stage: Stage;

  afterEach(async () => stage?.stop());

  const deploy = (version: string, more: Record<string, string> = {}) => stage.deploy(stage.repo.commit({ version, listen: 'socket' }), more);

  test('gets SOCKET beside PORT; the switch is the link alone, and who answers is proved by connections to the socket', async () => {
    stage = await startStage({ instant: 'socket' });
    const config = stage.nginx.read();
    expect((await deploy('one')).code).toBe(0);
    const second = await deploy('two');
    expect(second.code).toBe(0);
    const socket = join(stage.root, 'slots', stage.live(), 'app.sock');
    expect(second.log).toContain(`answered by socket ${socket}`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const { env } = JSON.parse((await stage.ask('/env')).body) as { env: Record<string, string> };
    expect(env.SOCKET).toBe(socket);
    expect(env.PORT).toBe(String(stage.ports[stage.live() as 'blue' | 'green']));
    const back = await stage.rollback({ listen: 'port' });
    expect(back.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(stage.nginx.read()).toBe(config);
    expect(stage.nginx.errors()).not.toContain('SIGHUP');
  });

  test('a socket that a dead app left behind is no obstacle', async () => {
    stage = await startStage({ instant: 'socket' });
    expect((await deploy('one')).code).toBe(0);
    process.kill(-stage.pid(stage.live()), 'SIGKILL');
    expect((await deploy('two')).code).toBe(0);
    expect((await deploy('three')).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
  });

  test('an app that listens on its port instead is told so', async () => {
    stage = await startStage({ instant: 'socket' });
    const failed = await stage.deploy(stage.repo.commit({ version: 'one' }), { 'health-timeout': '1s' });
    expect(failed.code).toBe(1);
    expect(failed.log).toContain('the app has to listen on the path that stands in the variable SOCKET');
  });

  test('a release that answers a visitor from the old socket is found out: nginx that does not follow the link', async () => {
    stage = await startStage({ instant: 'socket' });
    expect((await deploy('one')).code).toBe(0);
    const old = stage.live();
    // What runs names the slot itself; what is on disk follows the link.
    const file = join(stage.nginx.file, '..', 'bluegreen', 'shop-http.conf');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('/live/app.sock', `/slots/${old}/app.sock`));
    expect(stage.nginx.reload().status).toBe(0);
    await until(() => stage.nginx.errors().includes('start worker processes') || true, 'reloaded');
    await new Promise((resolve) => setTimeout(resolve, 500));
    writeFileSync(file, text);
    const failed = await deploy('two', { 'switch-timeout': '2s' });
    expect(failed.code).toBe(1);
    expect(failed.log).toContain(`requests still reach the old socket ${join(stage.root, 'slots', old, 'app.sock')}`);
    expect(stage.live()).toBe(old);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('from a port to a socket without a gap: what listens on a port is served until the next deploy', async () => {
    stage = await startStage({ instant: 'socket' });
    const socketConfig = stage.nginx.read();
    const { blue } = stage.ports;
    stage.nginx.write(socketConfig.replace('include bluegreen/shop-http.conf;', `upstream shop { server 127.0.0.1:${blue}; }`));
    expect(stage.nginx.reload().status).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const port = await stage.deploy(stage.repo.commit({ version: 'one' }), { listen: 'port', switch: '' });
    expect(port.code).toBe(0);
    stage.nginx.write(socketConfig);
    expect(stage.nginx.reload().status).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const refused = await stage.deploy(stage.repo.commit({ version: 'x' }), { listen: 'port', switch: '' });
    expect(refused.log).toContain('nginx is set up for an app that listens on a Unix socket, and this release listens on a port');
    const socket = await deploy('two');
    expect(socket.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });
});
