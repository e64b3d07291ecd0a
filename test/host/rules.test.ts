import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { freePorts, siteConfig } from '../../testbed/nginx.mjs';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { startGitServer } from './git-server.js';

jest.setTimeout(60_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Step = { name: string; status: string; ms: number };

const node = process.execPath;

let stage: Stage;
afterEach(async () => stage?.stop());

const marker = (name: string) => join(stage.dir, name);
const waiting = (name: string) => `touch ${marker(name)}; while [ ! -e ${marker(name)}.go ]; do sleep 0.05; done`;
const reached = (name: string) => until(() => existsSync(marker(name)), `the deploy reached ${name}`);
const letOn = (name: string) => writeFileSync(`${marker(name)}.go`, '');
const lastSteps = () => Object.fromEntries((stage.ledger().at(-1)?.steps ?? []).map(({ name, status }: Step) => [name, status]));
const idle = () => (stage.live() === 'blue' ? 'green' : 'blue');
/** A server of one line: `body` sees q, r and n, how many questions it has had; it has no manners on SIGTERM. */
const inline = (body: string) => `exec ${node} -e ${JSON.stringify(`let n = 0; require('http').createServer((q, r) => { n++; ${body} }).listen(process.env.PORT, '127.0.0.1')`)}`;

// Rules that a change could break without any other test noticing.
describe('with one release live', () => {
  beforeEach(async () => {
    stage = await startStage();
  });
  const first = async (more: Record<string, string> = {}) => {
    const run = await stage.deploy(stage.repo.commit({ version: 'one' }), more);
    expect(run.code).toBe(0);
  };

  test('the order of the switch: nginx -t while the old slot is live, the reload while the new one is, both under the lock', async () => {
    await first();
    const [fake, seen, conf] = [marker('nginx-seen'), marker('seen'), join(stage.dir, 'nginx', 'conf')];
    writeFileSync(fake, `#!/bin/sh\nlive=$(readlink ${stage.root}/live)\nfor a; do case $a in -t | reload) flock -n ${conf} true && lock=free || lock=held; echo "$a $live $lock" >> ${seen} ;; esac; done\nexec ${stage.nginx.command} "$@"\n`);
    chmodSync(fake, 0o755);
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'nginx-command': `${fake} -p ${stage.dir}/nginx/` });
    expect(run.code).toBe(0);
    expect(readFileSync(seen, 'utf8')).toBe('-t slots/green held\nreload slots/blue held\n');
  });

  test('a step whose own process is killed has failed', async () => {
    await first();
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { install: 'kill -KILL $PPID; sleep 1' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the step install ended with status 137 (signal 9)');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('cancelled in the middle of a step after the switch: that step goes on to its end', async () => {
    await first();
    let child: ChildProcess | undefined;
    const done = stage.deploy(stage.repo.commit({ version: 'two' }), { 'after-switch': waiting('after') }, { onStart: (started: ChildProcess) => (child = started) });
    await reached('after');
    child?.kill('SIGTERM');
    // Longer than the second within which the host decides.
    await sleep(1500);
    letOn('after');
    expect((await done).code).toBe(0);
    expect(lastSteps()).toMatchObject({ 'after-switch': 'ok', stop: 'ok' });
  });

  test('a record of another boot names nobody', async () => {
    await first();
    const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const pid = stranger.pid ?? 0;
    try {
      await until(() => processStat(pid)?.session === pid, 'it leads a session');
      writeFileSync(join(stage.root, 'run', `step.${pid}`), `${pid} ${processStat(pid)?.started} 00000000-0000-0000-0000-000000000000\n`);
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }));
      expect(run.code).toBe(0);
      expect(isAlive(pid)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('reconcile waits for the lock on nginx too', async () => {
    await first();
    const state = readFileSync(join(stage.root, 'nginx.state'), 'utf8');
    const before = new RegExp(`BG_NG_${stage.live().toUpperCase()}='([^']*)'`).exec(state)?.[1] ?? '';
    writeFileSync(join(stage.root, 'switch.intent'), `BG_IN_TARGET='${idle()}'\nBG_IN_BEFORE='${before}'\nBG_IN_WORKERS=''\n`);
    const holder = await holdNginx();
    try {
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'lock-timeout': '1s' });
      expect(run.code).toBe(1);
      expect(stage.ledger()).toHaveLength(1);
      expect(run.log).toContain('was not free within 1 s');
      expect(existsSync(join(stage.root, 'switch.intent'))).toBe(true);
    } finally {
      holder();
    }
  });

  test('switching back waits for the lock on nginx; when it stays taken, the next run puts it right', async () => {
    await first();
    const bad = inline(`r.statusCode = q.url === '/visit' ? 500 : 200; r.end('bad')`);
    const visit = { 'verify-url': `http://127.0.0.1:${stage.ports.site}/visit` };
    const running = stage.deploy(stage.repo.commit({ version: 'two' }), { start: bad, ...visit, 'switch-timeout': '3s', 'lock-timeout': '1s' });
    await until(() => stage.live() === 'blue', 'the switch');
    const holder = await holdNginx();
    try {
      const run = await running;
      expect(run.code).toBe(1);
      expect(run.log).toMatch(/the lock on \S+ was not free/);
    } finally {
      holder();
    }
    const next = await stage.deploy(stage.repo.commit({ version: 'three' }), { install: 'false', ...visit });
    expect(next.code).toBe(1);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(stage.live()).toBe('green');
    expect(isAlive(stage.pid('blue'))).toBe(false);
  });

  test('the old slot is stopped by its own supervisor, stop command and path, when the settings have changed', async () => {
    const bin = marker('bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'stopper'), `#!/bin/sh\necho asked > ${marker('stopped')}\nkill "$(cat server.pid)"\n`, { mode: 0o755 });
    await first({ supervisor: 'command', start: `${node} server.mjs & echo $! > server.pid`, stop: 'stopper', path: bin });
    const pid = Number(readFileSync(join(stage.root, 'slots/green/release/server.pid'), 'utf8'));
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }));
    expect(run.code).toBe(0);
    expect(readFileSync(marker('stopped'), 'utf8')).toBe('asked\n');
    expect(run.log).not.toMatch(/the stop command ended with|still taken/);
    expect(isAlive(pid)).toBe(false);
  });

  test('the old app is stopped only when the requests that it had are answered, and not before', async () => {
    await first({ start: inline(`setTimeout(() => r.end('old'), q.url === '/slow' ? 3000 : 0)`) });
    const running = stage.deploy(stage.repo.commit({ version: 'two' }), { 'before-switch': waiting('before') });
    await reached('before');
    const slow = stage.ask('/slow');
    await sleep(100);
    letOn('before');
    const run = await running;
    expect(run.code).toBe(0);
    expect(await slow).toEqual({ status: 200, body: 'old' });
    expect((JSON.parse(run.outputs.steps ?? '[]') as Step[]).find(({ name }) => name === 'drain')?.ms).toBeGreaterThan(500);
  });

  test('drain-timeout: requests that last longer are cut, with a warning', async () => {
    await first({ start: inline(`setTimeout(() => r.end('old'), q.url === '/slow' ? 20000 : 0)`) });
    const running = stage.deploy(stage.repo.commit({ version: 'two' }), { 'before-switch': waiting('before'), 'drain-timeout': '1s' });
    await reached('before');
    const slow = stage.ask('/slow');
    await sleep(100);
    letOn('before');
    const run = await running;
    expect(run.code).toBe(0);
    expect(run.log).toMatch(/after 1 s there were still requests on port \d+; connections of nginx's workers from before the switch \([\d, ]+\) that are cut: 1 \(setting drain-timeout\)/);
    expect((await slow).status).toBe(502);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('health-passes: so many in a row, and the count begins anew after a bad one', async () => {
    const count = marker('count');
    const run = await stage.deploy(stage.repo.commit({ version: 'one' }), {
      start: inline(`r.statusCode = n === 2 || n === 4 ? 503 : 200; require('fs').writeFileSync('${count}', String(n)); r.end('ok')`),
      'health-passes': '3',
      'before-switch': `cp ${count} ${count}.then`,
    });
    expect(run.code).toBe(0);
    expect(run.log).toContain('3 in a row, after');
    expect(readFileSync(`${count}.then`, 'utf8')).toBe('7');
  });

  test('what does not listen and does not go is killed too', async () => {
    const child = marker('child');
    await first({ start: `(trap '' TERM; exec sleep 1000) & echo $! > ${child}; exec ${node} server.mjs`, 'stop-timeout': '1s' });
    const pid = Number(readFileSync(child, 'utf8'));
    try {
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }));
      expect(run.code).toBe(0);
      expect(run.log).toContain('did not end 1 s after SIGTERM and was killed');
      expect(isAlive(pid)).toBe(false);
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  test('the token is in no argument in base64 either', async () => {
    const token = `ghx_${randomBytes(12).toString('hex')}`;
    const encoded = Buffer.from(`x-access-token:${token}`).toString('base64');
    const server = await startGitServer(join(stage.dir, 'repo'), stage.dir, token);
    const fake = marker('git-bin');
    mkdirSync(fake);
    // Each call of git writes its arguments down: nothing is left to the moment at which one looks.
    writeFileSync(join(fake, 'git'), `#!/bin/sh\nprintf '%s\\n' "$@" >> ${marker('git-args')}\nexec /usr/bin/git "$@"\n`, { mode: 0o755 });
    const again = await startStage({ env: { GIT_SSL_NO_VERIFY: '1', PATH: `${fake}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` } });
    try {
      const run = await again.deploy(stage.repo.commit({ version: 'one' }), { repository: server.url, 'repository-token': token });
      expect(run.code).toBe(0);
      const args = readFileSync(marker('git-args'), 'utf8');
      expect(args).toContain('fetch');
      for (const text of [token, encoded, Buffer.from(token).toString('base64').slice(0, -4)]) expect(args).not.toContain(text);
    } finally {
      await again.stop();
      await server.stop();
    }
  });

  /** Takes the lock on nginx's folder as soon as it is free; gives what lets it go. */
  async function holdNginx(): Promise<() => void> {
    const held = marker('nginx-held');
    rmSync(held, { force: true });
    const holder = spawn('flock', [join(stage.dir, 'nginx', 'conf'), 'sh', '-c', `touch ${held}; exec sleep 60`], { detached: true, stdio: 'ignore' });
    await until(() => existsSync(held), 'the lock is held');
    return () => void (holder.pid && process.kill(-holder.pid, 'SIGKILL'));
  }
});

describe('requests that reach the old port by a way that nobody can see', () => {
  let old = 0;
  let open = false;
  let detour: ReturnType<typeof createServer>;

  beforeEach(async () => {
    const [port = 0] = await freePorts(1);
    open = false;
    detour = createServer((socket) => {
      if (!open && !existsSync(marker('open'))) return void socket.destroy();
      const onward = connect(old, '127.0.0.1');
      for (const one of [socket, onward]) one.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => detour.listen(port, '127.0.0.1', resolve));
    stage = await startStage({
      config: ({ site, blue }) =>
        siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue};`, site: `location / { mirror /copy; proxy_pass http://shop; } location = /copy { internal; proxy_pass http://127.0.0.1:${port}$request_uri; }` }),
    });
    old = stage.ports.green;
    expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
  });
  afterEach(() => void detour.close());

  test('verify finds them, before after-switch runs', async () => {
    open = true;
    await stage.deploy(stage.repo.commit({ version: 'two' }), { 'switch-timeout': '2s', 'after-switch': `touch ${marker('too-far')}` });
    expect(lastSteps()).toMatchObject({ verify: 'failed', 'switch-back': 'ok' });
    expect(existsSync(marker('too-far'))).toBe(false);
  });

  test('those that begin after verify are found before the old slot is stopped: switched back', async () => {
    const pid = stage.pid('green');
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'after-switch': `touch ${marker('open')}` });
    expect(run.log).toContain(`requests still reach the old port ${old}`);
    expect(lastSteps()).toMatchObject({ verify: 'ok', drain: 'failed', 'switch-back': 'ok' });
    expect(isAlive(pid)).toBe(true);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('reconcile stops no slot that nginx still brings requests to', async () => {
    const pid = stage.pid('green');
    let child: ChildProcess | undefined;
    const dying = stage.deploy(stage.repo.commit({ version: 'two' }), { 'after-switch': `echo $PPID > ${marker('step')}; ${waiting('after')}` }, { onStart: (started: ChildProcess) => (child = started) });
    await reached('after');
    process.kill(processStat(readFileSync(marker('step'), 'utf8').trim())?.parent ?? 0, 'SIGKILL');
    child?.kill('SIGKILL');
    await dying;
    open = true;
    const run = await stage.deploy(stage.repo.commit({ version: 'three' }));
    expect(run.code).toBe(1);
    expect(run.log).toContain('nginx still sends requests to the green slot, which is not live: it was not stopped');
    expect(isAlive(pid)).toBe(true);
  });
});
