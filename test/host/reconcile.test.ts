import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

// Rules 4, 5 and 6: whatever died at whatever moment, the next run converges by itself.
describe('the next run mends what an earlier one left', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await startStage();
    expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
  });
  afterEach(async () => stage.stop());

  const marker = (name: string) => join(stage.dir, name);
  const waiting = (name: string) => `touch ${marker(name)}; while [ ! -e ${marker(name)}.go ]; do sleep 0.05; done`;
  const idle = () => (stage.live() === 'blue' ? 'green' : 'blue');

  /** Begins a deploy and kills the agent on the host, alone, at a moment that the command holds. */
  const agentDies = async (version: string, more: Record<string, string>, moment: string) => {
    let child: ChildProcess | undefined;
    const done = stage.deploy(stage.repo.commit({ version }), more, { onStart: (started: ChildProcess) => (child = started) });
    await until(() => existsSync(marker(moment)), moment);
    const [agent, ...others] = lockHolders();
    expect(others).toEqual([]);
    process.kill(Number(agent), 'SIGKILL');
    child?.kill('SIGKILL');
    await done;
  };

  /** Processes that have the lock open: rule 5 wants it to be one, the agent itself. */
  const lockHolders = () =>
    readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === join(stage.root, 'lock'));
      } catch {
        return false;
      }
    });

  const expectConverged = async (version: string) => {
    const run = await stage.deploy(stage.repo.commit({ version }));
    expect(run.log).toContain('is live on');
    expect(run.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: version });
    expect(isAlive(stage.pid(stage.live()))).toBe(true);
    expect(isAlive(stage.pid(idle()))).toBe(false);
    expect(existsSync(join(stage.root, 'switch.intent'))).toBe(false);
    for (const release of readdirSync(join(stage.root, 'releases'))) expect(existsSync(join(stage.root, 'releases', release, '.release.json'))).toBe(true);
    return run;
  };

  test('SIGKILL to the agent during install: the orphan step is ended, the half release goes, the ledger tells', async () => {
    await agentDies('two', { install: `echo $$ > ${marker('pid')}; ${waiting('install')}` }, 'install');
    const orphan = Number(readFileSync(marker('pid'), 'utf8'));
    expect(isAlive(orphan)).toBe(true);
    expect(lockHolders()).toEqual([]);
    const run = await expectConverged('three');
    expect(isAlive(orphan)).toBe(false);
    expect(run.log).toContain('a step of an earlier run that died was still running: ended');
    expect(stage.ledger().map(({ outcome }) => outcome)).toEqual(['success', 'died', 'success']);
  });

  test('a process that got the number of a dead step is not touched', async () => {
    const stranger = spawnSync('sh', ['-c', 'setsid sleep 60 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
    const pid = Number(stranger.stdout);
    await until(() => processStat(pid)?.session === pid, 'it leads a session');
    writeFileSync(join(stage.root, 'run', `step.${pid}`), `${pid} 12345 ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')}`);
    await expectConverged('two');
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  test('SIGKILL to the agent before the switch, the new app running: it is stopped', async () => {
    await agentDies('two', { 'before-switch': waiting('before') }, 'before');
    const left = stage.pid(idle());
    expect(isAlive(left)).toBe(true);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const run = await expectConverged('three');
    expect(isAlive(left)).toBe(false);
    expect(run.log).toContain('slot ran without being live: stopped');
  });

  test('SIGKILL to the agent after the switch: what is live stays live, the old slot is stopped by the next run', async () => {
    const old = stage.pid(stage.live());
    await agentDies('two', { 'after-switch': waiting('after') }, 'after');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(isAlive(old)).toBe(true);
    const run = await stage.rollback();
    expect(run.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('died between the edit of the file and `live`: the file becomes what it was, byte for byte', async () => {
    const before = stage.nginx.read();
    const edited = swapPorts(before, stage);
    writeFileSync(stage.nginx.file, edited);
    writeIntent(stage, idle());
    const failed = await stage.deploy(stage.repo.commit({ version: 'two' }), { install: 'false' });
    expect(failed.log).toContain('did not match the live slot');
    expect(stage.nginx.read()).toBe(before);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('died between `live` and the reload: nginx is made to follow', async () => {
    // The state that such a death leaves: file and `live` name the new slot, which runs; nginx's workers are old.
    await agentDies('two', { 'before-switch': waiting('before') }, 'before');
    const slot = idle();
    writeFileSync(stage.nginx.file, swapPorts(stage.nginx.read(), stage));
    writeIntent(stage, slot);
    rmSync(join(stage.root, 'live'));
    symlinkSync(`slots/${slot}`, join(stage.root, 'live'));
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const failed = await stage.deploy(stage.repo.commit({ version: 'three' }), { install: 'false' });
    expect(failed.code).toBe(1);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(stage.live()).toBe(slot);
    expect(isAlive(stage.pid(idle()))).toBe(false);
  });

  test('the live slot is dead and the other one healthy: the other one becomes live', async () => {
    await agentDies('two', { 'before-switch': waiting('before') }, 'before');
    const slot = idle();
    process.kill(-stage.pid(stage.live()), 'SIGKILL');
    const failed = await stage.deploy(stage.repo.commit({ version: 'three' }), { install: 'false' });
    expect(failed.log).toContain(`is dead and ${slot} is healthy: ${slot} becomes live`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(stage.live()).toBe(slot);
  });

  test('the live slot died and nothing else runs: a deploy brings the site back', async () => {
    process.kill(-stage.pid(stage.live()), 'SIGKILL');
    await until(async () => (await stage.ask()).status === 502, 'the site is down');
    await expectConverged('two');
  });

  test('what a person changed by hand is not guessed at: status shows it, a deploy stops and says it', async () => {
    const before = stage.nginx.read();
    const byHand = swapPorts(before, stage);
    writeFileSync(stage.nginx.file, byHand);
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }));
    expect(run.code).toBe(1);
    expect(run.log).toContain('somebody changed it by hand');
    expect(stage.nginx.read()).toBe(byHand);
    const status = await stage.deploy('', { command: 'status' });
    expect(status.summary).toContain('somebody changed it by hand');
    writeFileSync(stage.nginx.file, before);
    expect((await stage.deploy('', { command: 'status' })).summary).toContain('is as `live` says');
    await expectConverged('three');
  });

  test('SIGKILL to the agent during verify, the new release bad through nginx: the old slot gets the traffic back', async () => {
    const bad = "require('http').createServer((q, r) => { if (q.url.includes('visit')) require('fs').writeFileSync('" + marker('verify') + "', ''); r.statusCode = q.url.includes('visit') ? 500 : 200; r.end('bad'); }).listen(process.env.PORT, '127.0.0.1')";
    const old = { live: stage.live(), pid: stage.pid(stage.live()) };
    const visit = `http://127.0.0.1:${stage.ports.site}/visit`;
    await agentDies('two', { start: `exec ${process.execPath} -e ${JSON.stringify(bad)}`, 'verify-url': visit, 'switch-timeout': '5s' }, 'verify');
    const failed = await stage.deploy(stage.repo.commit({ version: 'three' }), { install: 'false', 'verify-url': visit });
    expect(failed.log).toContain('was never proved');
    expect(stage.live()).toBe(old.live);
    expect(stage.pid(old.live)).toBe(old.pid);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('status beside a deploy that runs touches nothing of it', async () => {
    const deploying = stage.deploy(stage.repo.commit({ version: 'two' }), { install: waiting('install') });
    await until(() => existsSync(marker('install')), 'install runs');
    const records = () => readdirSync(join(stage.root, 'run')).filter((name) => name.startsWith('step.') && readFileSync(join(stage.root, 'run', name), 'utf8') !== '');
    const before = records();
    expect(before).toHaveLength(1);
    expect((await stage.deploy('', { command: 'status' })).code).toBe(0);
    expect(records()).toEqual(before);
    writeFileSync(`${marker('install')}.go`, '');
    expect((await deploying).code).toBe(0);
  });

  test('the agent dies, the line lives, a step hangs on: the action notices, has it mended, and begins anew', async () => {
    const deploying = stage.deploy(stage.repo.commit({ version: 'two' }), { install: waiting('install') });
    await until(() => existsSync(marker('install')), 'install runs');
    process.kill(Number(lockHolders()[0]), 'SIGKILL');
    await until(() => stage.ledger().at(-1)?.outcome === 'died', 'what it left is mended');
    writeFileSync(`${marker('install')}.go`, '');
    const run = await deploying;
    expect(run.code).toBe(0);
    expect(run.log).toContain('the line to the host was lost during the step install, and nothing was switched: the run is begun anew (setting retries)');
    expect(run.log).toContain('a step of an earlier run that died was still running: ended');
    expect(stage.ledger().map(({ outcome }) => outcome)).toEqual(['success', 'died', 'success']);
    await expectConverged('three');
  });

  test('the switch waits for the lock on the folder of nginx’s main file', async () => {
    const holder = spawn('flock', [join(stage.dir, 'nginx', 'conf'), 'sleep', '60'], { detached: true, stdio: 'ignore' });
    try {
      await until(() => spawnSync('flock', ['-n', join(stage.dir, 'nginx', 'conf'), 'true']).status !== 0, 'the lock is held');
      const before = stage.nginx.read();
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'lock-timeout': '1s' });
      expect(run.log).toContain('was not free within 1 s');
      expect(run.code).toBe(1);
      expect(stage.nginx.read()).toBe(before);
    } finally {
      if (holder.pid) process.kill(-holder.pid, 'SIGKILL');
    }
    await expectConverged('three');
  });

  test('`live` that is no link of ours: said, nothing done', async () => {
    renameSync(join(stage.root, 'live'), join(stage.root, 'live.old'));
    mkdirSync(join(stage.root, 'live'));
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }));
    expect(run.code).toBe(1);
    expect(run.log).toContain('is not a link to slots/blue or slots/green');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('two apps on one nginx file switch at once', async () => {
    const second = join(stage.dir, 'srv', 'second');
    mkdirSync(second);
    // The same ports cannot serve two apps: the second one has a pair of its own, in the same file.
    const [a, b] = [stage.ports.blue + 1, stage.ports.green + 1];
    stage.nginx.write(stage.nginx.read().replace('upstream shop {', `upstream second { server 127.0.0.1:${a}; }\n  upstream shop {`).replace('location / {', 'location /second/ { proxy_pass http://second/; }\n    location / {'));
    stage.nginx.reload();
    const other = { app: 'second', root: second, ports: `${a},${b}`, 'nginx-upstream': 'second' };
    try {
      for (const version of ['two', 'three']) {
        const sha = stage.repo.commit({ version });
        const runs = await Promise.all([stage.deploy(sha), stage.deploy(sha, other)]);
        for (const run of runs) expect(run.log).toContain('is live on');
        expect(await stage.ask()).toEqual({ status: 200, body: version });
        expect(await stage.ask('/second/')).toEqual({ status: 200, body: version });
      }
    } finally {
      for (const slot of ['blue', 'green']) {
        const file = join(second, 'slots', slot, 'pid');
        const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split(' ')[0]) : 0;
        if (pid > 1 && isAlive(pid)) process.kill(-pid, 'SIGKILL');
      }
    }
  });
});

function swapPorts(config: string, stage: Stage): string {
  const { blue, green } = stage.ports;
  return config.includes(`server 127.0.0.1:${blue};`) ? config.replace(`server 127.0.0.1:${blue};`, `server 127.0.0.1:${green};`) : config.replace(`server 127.0.0.1:${green};`, `server 127.0.0.1:${blue};`);
}

/** The intent as a switch writes it; what stood in the file before comes from the state of the last deploy. */
function writeIntent(stage: Stage, target: string): void {
  const state = readFileSync(join(stage.root, 'nginx.state'), 'utf8');
  const before = new RegExp(`BG_NG_${stage.live().toUpperCase()}='([^']*)'`).exec(state)?.[1] ?? '';
  writeFileSync(join(stage.root, 'switch.intent'), `BG_IN_TARGET='${target}'\nBG_IN_BEFORE='${before}'\nBG_IN_WORKERS=''\n`);
}
