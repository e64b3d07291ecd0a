import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { siteConfig } from '../../testbed/nginx.mjs';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startSshd } from '../../testbed/sshd.mjs';
import { startStage } from '../../testbed/stage.mjs';
import type { Status } from '../../src/engine/status.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

const node = process.execPath;

let stage: Stage;

/** All that stands below the root, with everything that a change would show in; only the times of reading are left out. */
function listing(path: string): Record<string, string> {
  const stat = lstatSync(path);
  const own = [stat.mode, stat.uid, stat.gid, stat.ino, stat.nlink, stat.size, stat.mtimeMs, stat.ctimeMs, stat.isSymbolicLink() ? readlinkSync(path) : ''].join(' ');
  const entries = stat.isDirectory() ? readdirSync(path).map((name) => listing(join(path, name))) : [];
  return Object.assign({ [path]: own }, ...entries) as Record<string, string>;
}

/** The agent's own folder, which it takes away after its last word. One that is under way, or was killed, keeps it. */
const staying = new Set<string>();
const leftovers = () => (existsSync(join(stage.root, 'run')) ? readdirSync(join(stage.root, 'run')).filter((name) => name.startsWith('pipes.') && !staying.has(name)) : []);

/** Runs `command: status`, which has to change nothing below the root. */
async function look(more: Record<string, string> = {}): Promise<Run & { found: Status }> {
  await until(() => !leftovers().length, 'the agent of the run before has ended');
  const before = existsSync(stage.root) ? listing(stage.root) : {};
  const run = await stage.deploy('', { command: 'status', start: '', ...more });
  expect(existsSync(stage.root) ? listing(stage.root) : {}).toEqual(before);
  expect(run.code).toBe(0);
  return { ...run, found: JSON.parse(run.outputs.status ?? '') as Status };
}

const whats = ({ drift }: Status) => drift.map(({ what }) => what);
const marker = (name: string) => join(stage.dir, name);
const waiting = (name: string) => `touch ${marker(name)}; while [ ! -e ${marker(name)}.go ]; do sleep 0.05; done`;

function swapPorts(config: string): string {
  const { blue, green } = stage.ports;
  return config.includes(`server 127.0.0.1:${blue};`) ? config.replace(`server 127.0.0.1:${blue};`, `server 127.0.0.1:${green};`) : config.replace(`server 127.0.0.1:${green};`, `server 127.0.0.1:${blue};`);
}

/** The proportional share of memory of some processes, in bytes. */
function memoryOf(...pids: number[]): number {
  const kib = pids.map((pid) => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]));
  return kib.reduce((sum, one) => sum + one, 0) * 1024;
}

// A child that takes much memory of its own: it shows whether all processes of the app are counted.
const hungry = `${node} -e "globalThis.all = Buffer.alloc(120e6, 1); setInterval(() => {}, 1e6)" & exec ${node} server.mjs`;

describe('status, from before the first deploy on', () => {
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(async () => stage?.stop());

  const releases: string[] = [];
  const shas: string[] = [];

  test('before there is a root', async () => {
    const { found, log } = await look({ root: join(stage.dir, 'srv/nowhere') });
    expect(found).toMatchObject({ version: 1, live: null, standby: null, run: null, drift: [], reconcile: [], ledger: [] });
    expect(found.slots).toMatchObject({ blue: { release: null, port: stage.ports.blue, running: false }, green: { release: null, port: stage.ports.green, running: false } });
    expect(found.nginx).toEqual({ mode: null, routesTo: null, status: null, url: null, configured: 'blue', problem: null });
    expect(log).toContain('shop: nothing is live.');
    expect(existsSync(join(stage.dir, 'srv/nowhere'))).toBe(false);
  });

  test('before the first deploy: who has the port is shown', async () => {
    const before = createServer((_request, response) => void response.end());
    await new Promise<void>((resolve) => before.listen(stage.ports.blue, '127.0.0.1', resolve));
    try {
      const { found } = await look();
      expect(found.slots.blue.portHeldBy).toContain(`process ${process.pid} (`);
      expect(found).toMatchObject({ drift: [], slots: { green: { portHeldBy: null } } });
    } finally {
      before.close();
    }
  });

  test('after the first one', async () => {
    shas.push(stage.repo.commit({ version: 'one' }));
    const deployed = await stage.deploy(shas[0] ?? '', { start: hungry });
    releases.push(deployed.outputs.release ?? '');
    const { found, log, summary } = await look();
    const { blue, green } = found.slots;
    expect(found).toMatchObject({ live: 'green', standby: null, run: null, drift: [], reconcile: [], user: process.getuid?.() === 0 ? 'root' : expect.any(String) });
    expect(green).toMatchObject({
      release: releases[0],
      commit: { sha: shas[0], author: 'Ada', subject: 'Version one' },
      listen: 'port',
      port: stage.ports.green,
      supervisor: 'process',
      running: true,
      healthy: true,
      healthStatus: 200,
      processes: 2,
      portHeldBy: null,
    });
    expect(blue).toMatchObject({ release: null, port: stage.ports.blue, running: false, healthy: null });
    expect(found.nginx).toEqual({ mode: 'reload', routesTo: 'green', status: 200, url: `http://shop.example.com:${stage.ports.site}/healthz`, configured: 'green', problem: null });
    expect(log).toContain('green (live)');
    expect(summary).toContain('| green (live) |');
  });

  test('memory is that of all processes of the app, and times are those of the host', async () => {
    const { found } = await look();
    const pid = stage.pid('green');
    const group = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((one) => processStat(one)?.session === pid && isAlive(one));
    expect(group).toHaveLength(2);
    const { memoryBytes, runningSince, liveSince, commit } = found.slots.green;
    expect(memoryBytes).toBeGreaterThan(120e6);
    expect(Math.abs((memoryBytes ?? 0) - memoryOf(...group))).toBeLessThan(30e6);
    const ticks = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const began = Date.now() - (uptime - Number(processStat(pid)?.started) / ticks) * 1000;
    expect(Math.abs(Date.parse(runningSince ?? '') - began)).toBeLessThan(3000);
    expect(Date.parse(liveSince ?? '')).toBeGreaterThanOrEqual(Date.parse(runningSince ?? '') - 1000);
    expect(Math.abs(Date.parse(found.time ?? '') - Date.now())).toBeLessThan(10_000);
    expect(Date.parse(commit?.time ?? '')).toBe(Number(stage.repo.git('log', '-1', '--format=%ct', shas[0] ?? '')) * 1000);
  });

  test('after the second one: the one before does not run, the ledger has both', async () => {
    shas.push(stage.repo.commit({ version: 'two' }));
    const deployed = await stage.deploy(shas[1] ?? '');
    releases.push(deployed.outputs.release ?? '');
    // A line that is broken tells nothing and harms nothing.
    appendFileSync(join(stage.root, 'ledger.ndjson'), '{"run":"broken","ended":\n\0\x1b[31m\n');
    const { found, log } = await look();
    expect(found).toMatchObject({ live: 'blue', drift: [], nginx: { routesTo: 'blue', configured: 'blue' } });
    expect(found.slots.green).toMatchObject({ release: releases[0], commit: { subject: 'Version one' }, running: false, healthy: null, healthStatus: null, runningSince: null, liveSince: null, memoryBytes: null, processes: null });
    expect(found.ledger.map(({ command, release, outcome, liveRelease, actor }) => [command, release, outcome, liveRelease, actor])).toEqual(releases.map((id) => ['deploy', id, 'success', id, 'ada']));
    expect(found.ledger.at(-1)).toMatchObject({ sha: shas[1], url: 'https://github.com/acme/shop/actions/runs/4711', ended: found.slots.blue.liveSince });
    expect(found.ledger.at(-1)?.seconds).toBeGreaterThan(0.1);
    expect(log).toMatch(/^ {12}blue \(live\) +green$/m);
    expect(log).toMatch(/^state +healthy \(200\) +does not run$/m);
    expect(log).toContain('is as `live` says');
  });

  test('a plan asks for none of it, and knows a standby all the same', async () => {
    writeFileSync(join(stage.root, 'slots/green/standby'), `${releases[0]}\n`);
    const before = listing(stage.root);
    const plan = await stage.deploy(shas[1] ?? '', { command: 'plan' });
    expect(plan.code).toBe(0);
    expect(plan.outputs.status).toBe('');
    expect(listing(stage.root)).toEqual(before);
    expect((await look()).found.standby).toBe('green');
    writeFileSync(join(stage.root, 'slots/green/standby'), 'another release\n');
    expect((await look()).found.standby).toBeNull();
    rmSync(join(stage.root, 'slots/green/standby'));
  });

  test("nginx's file changed by hand, then reloaded too", async () => {
    const config = stage.nginx.read();
    stage.nginx.write(swapPorts(config));
    const changed = await look();
    expect(changed.found).toMatchObject({ live: 'blue', nginx: { routesTo: 'blue', configured: 'green' } });
    expect(whats(changed.found)).toEqual([expect.stringContaining('somebody changed it by hand')]);
    expect(changed.log).toContain('somebody changed it by hand');
    // What runs on the other port is not ours: nginx reaches it all the same.
    const other = createServer((_request, response) => void response.end('other'));
    await new Promise<void>((resolve) => other.listen(stage.ports.green, '127.0.0.1', resolve));
    try {
      stage.nginx.reload();
      await until(async () => (await stage.ask()).body === 'other', 'nginx was reloaded');
      const { found, summary } = await look();
      expect(found).toMatchObject({ nginx: { routesTo: 'green', configured: 'green', status: 200 }, slots: { green: { running: false, healthy: null } } });
      expect(whats(found)).toEqual([
        expect.stringContaining('somebody changed it by hand'),
        'nginx really sends requests to the green slot, but the live slot is blue',
        expect.stringMatching(new RegExp(`^port ${stage.ports.green} of the green slot is held by user \\S+, process ${process.pid} \\(`)),
      ]);
      expect(summary).toContain('nginx really sends requests to the green slot');
      // On disk again as it was, but not reloaded.
      stage.nginx.write(config);
      expect((await look()).found).toMatchObject({ nginx: { routesTo: 'green', configured: 'blue' }, drift: [{ next: expect.stringContaining('reload nginx') }, {}] });
    } finally {
      other.closeAllConnections();
      other.close();
      stage.nginx.write(config);
      stage.nginx.reload();
    }
    await until(async () => (await stage.ask()).body === 'two', 'nginx was reloaded');
    expect((await look()).found.drift).toEqual([]);
  });

  test('a broken configuration: the slots are shown, and what nginx says', async () => {
    const config = stage.nginx.read();
    try {
      stage.nginx.write(config.replace('http {', 'http {\n  no_such_directive "::set-output name=a::b";'));
      const { found, log, summary } = await look();
      expect(found).toMatchObject({ live: 'blue', drift: [], slots: { blue: { healthy: true } }, nginx: { routesTo: 'blue', status: 200, configured: null } });
      expect(found.nginx.problem?.details).toContain('unknown directive "no_such_directive"');
      expect(log).toContain('unknown directive "no_such_directive"');
      expect(summary).toContain('unknown directive "no_such_directive"');
    } finally {
      stage.nginx.write(config);
    }
  });

  test('`live` that leads to nothing, that is not ours, that is no link', async () => {
    const live = join(stage.root, 'live');
    const home = join(stage.root, 'slots/blue');
    renameSync(home, `${home}.away`);
    try {
      expect(whats((await look()).found)[0]).toBe(`${live} leads to the slot blue, in which nothing was ever started`);
      rmSync(live);
      symlinkSync('releases', live);
      const strange = (await look()).found;
      expect(strange).toMatchObject({ live: null, reconcile: ['stop and say that `live` is not a link to slots/blue or slots/green'] });
      expect(whats(strange)).toEqual([`${live} leads to releases, which is not slots/blue or slots/green`]);
      rmSync(live);
      mkdirSync(live);
      expect(whats((await look()).found)).toEqual([`${live} is not a link`]);
    } finally {
      rmSync(live, { recursive: true, force: true });
      symlinkSync('slots/blue', live);
      renameSync(`${home}.away`, home);
    }
    expect((await look()).found.drift).toEqual([]);
  });

  test('a switch that was interrupted', async () => {
    writeFileSync(join(stage.root, 'switch.intent'), "BG_IN_TARGET='green'\nBG_IN_BEFORE=''\nBG_IN_WORKERS=''\n");
    const { found, log } = await look();
    expect(whats(found)).toEqual(['a switch was interrupted']);
    expect(found.reconcile).toEqual(['end a switch that was interrupted: nginx is made to match blue']);
    expect(log).toContain('is live on blue; a switch was interrupted.');
    rmSync(join(stage.root, 'switch.intent'));
  });

  test('the app killed: not running, and nginx says 502', async () => {
    process.kill(-stage.pid('blue'), 'SIGKILL');
    await until(async () => (await stage.ask()).status === 502, 'the site is down');
    const { found, log } = await look();
    expect(found).toMatchObject({ live: 'blue', slots: { blue: { running: false, healthy: null, memoryBytes: null } }, nginx: { status: 502, routesTo: null } });
    expect(whats(found)).toEqual(['the live slot, blue, does not run']);
    expect(log).toContain(`release ${releases[1]} is live on blue; the live slot, blue, does not run.`);
  });

  test('nginx killed: it does not answer, and the slots are shown', async () => {
    process.kill(-stage.nginx.pid!, 'SIGKILL');
    await until(async () => (await stage.ask()).status === 0, 'nginx is gone');
    const { found } = await look();
    expect(found).toMatchObject({ live: 'blue', nginx: { status: null, routesTo: null }, slots: { blue: { release: releases[1] } } });
    expect(whats(found)).toContain(`nginx does not answer: http://shop.example.com:${stage.ports.site}/healthz`);
  });
});

describe('status of two slots that run', () => {
  let child: ChildProcess | undefined;
  let deploying: Promise<Run>;
  beforeAll(async () => {
    stage = await startStage();
    expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
    deploying = stage.deploy(stage.repo.commit({ version: 'two' }), { 'before-switch': `echo $PPID > ${marker('step')}; ${waiting('before')}` }, { onStart: (started: ChildProcess) => (child = started) });
    await until(() => existsSync(marker('before')), 'before the switch');
    await until(() => leftovers().length === 1, 'no other agent');
    for (const name of leftovers()) staying.add(name);
  });
  afterAll(async () => stage?.stop());

  test('while a run is under way, that is no drift: the run is told', async () => {
    const { found, log } = await look();
    expect(found.run).toMatch(/^deploy of [0-9a-f]{40} by ada https:\/\/github\.com\/acme\/shop\/actions\/runs\/4711, since \d{4}-/);
    expect(found).toMatchObject({ live: 'green', drift: [], reconcile: [], slots: { blue: { running: true, healthy: true }, green: { running: true, healthy: true } }, nginx: { routesTo: 'green' } });
    expect(log).toContain('under way: deploy of ');
  });

  test('when it has died, they are: one is to be stopped', async () => {
    process.kill(processStat(readFileSync(marker('step'), 'utf8').trim())?.parent ?? 0, 'SIGKILL');
    child?.kill('SIGKILL');
    await deploying;
    writeFileSync(`${marker('before')}.go`, '');
    const { found } = await look();
    expect(found).toMatchObject({ live: 'green', standby: null, run: null, slots: { blue: { running: true, portHeldBy: null, processes: 1 } }, reconcile: ['stop the blue slot, which runs without being live'] });
    expect(whats(found)).toEqual(['both slots run, and blue is not a standby']);
  });

  test('a standby is none of that: its memory and port are shown, and it is not to be stopped', async () => {
    writeFileSync(join(stage.root, 'slots/blue/standby'), `${(await look()).found.slots.blue.release}\n`);
    const { found, log } = await look();
    expect(found).toMatchObject({ live: 'green', standby: 'blue', drift: [], reconcile: [], slots: { blue: { running: true, healthy: true, port: stage.ports.blue } } });
    expect(Math.abs((found.slots.blue.memoryBytes ?? 0) - memoryOf(stage.pid('blue')))).toBeLessThan(20e6);
    expect(log).toMatch(/^ {12}blue \(standby\) +green \(live\)$/m);
  });

  test('the live one dies: the standby is what the next run makes live', async () => {
    process.kill(-stage.pid('green'), 'SIGKILL');
    await until(() => !isAlive(stage.pid('green')), 'the live app is gone');
    expect((await look()).found).toMatchObject({ standby: 'blue', reconcile: ['make blue live: the live slot green is dead, and blue is healthy'], drift: [{ next: expect.stringContaining('makes blue live') }] });
  });
});

describe('texts that anybody may have written', () => {
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(async () => stage?.stop());

  test('a hostile commit: no workflow command, no escape sequence, and the tables stay tables', async () => {
    stage.repo.commit({ version: 'one' });
    const hostile = '::set-output name=x::y \x1b[31mred\x1b]0;title\x07 | `a` <script>alert(1)</script> ##[error]z\r::add-mask::q \u202egnp';
    stage.repo.git('-c', 'i18n.commitEncoding=UTF-8', 'commit', '-q', '--allow-empty', '--author', '::error::x | `b <b@example.com>', '-m', hostile);
    stage.repo.git('push', '-q', 'origin', 'HEAD:main');
    const deployed = await stage.deploy(stage.repo.git('rev-parse', 'HEAD'), {}, { env: { GITHUB_ACTOR: '::warning::ada|`' } });
    expect(deployed.code).toBe(0);
    const { found, log, summary, outputs } = await look();
    expect(found.slots.green.commit).toMatchObject({ subject: hostile, author: 'error::x | `b' });
    expect(Object.keys(outputs)).not.toContain('x');

    // In force is what stands outside of stop-commands: nothing of the commit is a command there.
    const commands: string[] = [];
    let stopped = '';
    for (const line of log.split(/\r\n|\r|\n/).map((one) => one.trimStart())) {
      if (stopped) {
        if (line === `::${stopped}::`) stopped = '';
      } else if (line.startsWith('::stop-commands::')) stopped = line.slice('::stop-commands::'.length).trim();
      else if (line.startsWith('::')) commands.push(/^::[a-z-]+/.exec(line)?.[0] ?? line);
    }
    expect([...new Set(commands)].sort()).toEqual(['::add-mask', '::endgroup', '::group']);
    expect(commands.filter((command) => command === '::add-mask').length).toBe(deployed.log.split('\n').filter((line) => line.startsWith('::add-mask::')).length);
    expect(log).not.toContain('##[');
    expect(log).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(log).toMatch(/^commit +[0-9a-f]{7} ::set-output name=x::y red \| `a` <scr/m);

    const rows = summary.split('\n').filter((line) => line.startsWith('|'));
    const columns = (row: string) => row.replace(/\\[!-/:-@[-`{-~]/g, '').split('|').length - 2;
    const commit = rows.find((row) => row.startsWith('| commit |')) ?? '';
    expect(commit).toContain('::set-output name=x::y red \\| \\`a\\` &lt;script&gt;');
    expect(columns(commit)).toBe(3);
    expect([...new Set(rows.map(columns))].sort()).toEqual([3, 4, 6]);
  });
});

describe('where nginx keeps its connections to the app open', () => {
  beforeAll(async () => {
    stage = await startStage({
      config: ({ site, blue }) => siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue}; keepalive 8;` }).replace('worker_processes 2;', 'worker_processes 1;'),
    });
    expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
  });
  afterAll(async () => stage?.stop());

  test('the port to which they lead is the answer', async () => {
    for (let asked = 0; asked < 3; asked++) expect((await stage.ask()).body).toBe('one');
    const before = connectionsTo(stage.ports.green);
    expect(before.length).toBeGreaterThan(0);
    expect((await look()).found).toMatchObject({ nginx: { routesTo: 'green', status: 200 }, drift: [] });
    // No other connection was made: nothing but the pool could tell.
    expect(connectionsTo(stage.ports.green).filter((one) => !before.includes(one))).toEqual([]);
  });

  test('a connection that somebody else of the same user holds to the other port is none of nginx', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(stage.ports.blue, '127.0.0.1', resolve));
    const held = connect(stage.ports.blue, '127.0.0.1');
    try {
      await until(() => connectionsTo(stage.ports.blue).length, 'the connection is open');
      expect((await look()).found.nginx).toMatchObject({ routesTo: 'green', status: 200 });
    } finally {
      held.destroy();
      other.close();
    }
  });

  /** The near ends of the connections that are open to a port, by /proc/net/tcp. */
  const connectionsTo = (port: number) =>
    readFileSync('/proc/net/tcp', 'utf8').split('\n').flatMap((line) => {
      const [, near = '', far = '', state] = line.trim().split(/\s+/);
      return state === '01' && far.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`) ? [near] : [];
    });
});

const daemon = `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
if (process.argv[2] === 'start') {
  const server = spawn(process.execPath, ['daemon.mjs', 'serve'], { detached: true, stdio: 'ignore' });
  writeFileSync('server.pid', String(server.pid));
  server.unref();
} else {
  spawn(process.execPath, ['-e', 'globalThis.all = Buffer.alloc(120e6, 1); setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await import('./server.mjs');
}
`;

describe('an app that puts itself in the background', () => {
  const ended: number[] = [];
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(async () => {
    for (const pid of ended) if (isAlive(pid)) process.kill(-pid, 'SIGKILL');
    await stage?.stop();
  });

  test('its processes are those that hold the port, and their children', async () => {
    const sha = stage.repo.commit({ version: 'one' }, { 'daemon.mjs': daemon });
    const deployed = await stage.deploy(sha, { supervisor: 'command', start: `exec ${node} daemon.mjs start`, stop: 'kill "$(cat server.pid)"' });
    const pid = Number(readFileSync(join(stage.root, 'slots/green/release/server.pid'), 'utf8'));
    ended.push(pid);
    expect(deployed.code).toBe(0);
    const { found } = await look();
    expect(found.slots.green).toMatchObject({ supervisor: 'command', running: true, healthy: true, processes: 2, portHeldBy: null });
    expect(found.slots.green.memoryBytes).toBeGreaterThan(120e6);
    expect(found.slots.green.memoryBytes).toBeLessThan(300e6);
    expect(Math.abs(Date.parse(found.slots.green.runningSince ?? '') - Date.now())).toBeLessThan(20_000);
    expect(found).toMatchObject({ drift: [], nginx: { routesTo: 'green' } });
  });
});

describe('other shells and programs', () => {
  let links = '';
  beforeAll(() => {
    links = mkdtempSync(join(tmpdir(), 'bluegreen-links-'));
  });
  afterEach(async () => stage?.stop());
  afterAll(() => rmSync(links, { recursive: true, force: true }));

  const busybox = '/usr/bin/busybox';
  const applets = spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n').filter((name) => !['[', '[[', 'wget'].includes(name));

  test.each([
    ['bash', { sh: '/usr/bin/bash' }],
    ['dash', { sh: '/usr/bin/dash' }],
    ['busybox alone, without ss and getconf', { ...Object.fromEntries(applets.map((name) => [name, busybox])), ss: '/bin/false', getconf: '/bin/false' }],
  ])('%s', async (name, programs: Record<string, string>) => {
    const dir = join(links, name.split(' ')[0] ?? '');
    mkdirSync(dir);
    for (const [program, path] of Object.entries(programs)) symlinkSync(path, join(dir, program));
    stage = await startStage({ env: { PATH: `${dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` } });
    await stage.deploy(stage.repo.commit({ version: 'one' }), { start: hungry });
    const { found } = await look();
    expect(found).toMatchObject({ live: 'green', run: null, drift: [], nginx: { mode: 'reload', routesTo: 'green', status: 200 } });
    expect(found.slots.green).toMatchObject({ commit: { subject: 'Version one', author: 'Ada' }, running: true, healthy: true, healthStatus: 200, processes: 2, portHeldBy: null });
    expect(found.slots.green.memoryBytes).toBeGreaterThan(120e6);
    expect(found.slots.green.memoryBytes).toBeLessThan(300e6);
    expect(Math.abs(Date.parse(found.slots.green.runningSince ?? '') - Date.now())).toBeLessThan(20_000);
  });
});

const user = `bgs${process.pid}`;
const isRoot = process.getuid?.() === 0;

(isRoot ? describe : describe.skip)(isRoot ? 'a user who owns nothing of it' : 'NOT RUN: a user who owns nothing of it needs root, who makes one', () => {
  let sshd: Awaited<ReturnType<typeof startSshd>> | undefined;
  const removeUser = () => void spawnSync('userdel', ['-r', '-f', user]);
  beforeAll(async () => {
    process.once('exit', removeUser);
    expect(spawnSync('useradd', ['-m', '-s', '/bin/sh', '-p', '*', user]).status).toBe(0);
    stage = await startStage();
    // Anybody may enter the stage, as they may enter /srv.
    chmodSync(stage.dir, 0o755);
    mkdirSync(join(stage.dir, 'ssh2'));
    sshd = await startSshd({ dir: join(stage.dir, 'ssh2'), user });
    expect((await stage.deploy(stage.repo.commit({ version: 'one' }), { start: hungry })).code).toBe(0);
  });
  afterAll(async () => {
    await sshd?.stop();
    await stage?.stop();
    process.removeListener('exit', removeUser);
    removeUser();
  });

  const asUser = (more = {}) => look({ host: `${user}@127.0.0.1:${sshd?.port}`, 'private-key': sshd?.privateKey ?? '', 'known-hosts': sshd?.knownHosts ?? '', ...more });

  test('sees the slots, the commits, the memory, and which slot nginx uses', async () => {
    const { found, log } = await asUser({ 'nginx-command': '' });
    expect(found).toMatchObject({ user, live: 'green', drift: [], nginx: { routesTo: 'green', status: 200, configured: null } });
    expect(found.nginx.problem?.what).toContain('-T` failed');
    expect(found.slots.green).toMatchObject({ commit: { subject: 'Version one' }, running: true, healthy: true, processes: 2, portHeldBy: null });
    // The resident set: the proportional share is for its own user to read.
    expect(found.slots.green.memoryBytes).toBeGreaterThan(memoryOf(stage.pid('green')) + 100e6);
    expect(log).toContain('green (live)');
  });

  test("a stranger's process on a slot's port is told by its user", async () => {
    const id = (flag: string) => Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout);
    const stranger = spawn(node, ['-e', `require('http').createServer().listen(${stage.ports.blue}, '127.0.0.1')`], { stdio: 'ignore', uid: id('-u'), gid: id('-g') });
    try {
      await until(() => readFileSync('/proc/net/tcp', 'utf8').includes(`:${stage.ports.blue.toString(16).toUpperCase()} 00000000:0000 0A`), 'the stranger listens');
      expect(whats((await look()).found)).toEqual([expect.stringContaining(`port ${stage.ports.blue} of the blue slot is held by user ${user}, process ${stranger.pid} (`)]);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('a root that is not for it to look into', async () => {
    chmodSync(stage.root, 0o700);
    try {
      const { found } = await asUser({ 'nginx-command': '' });
      expect(found).toMatchObject({ live: null, ledger: [] });
      expect(whats(found)).toEqual([`the user ${user} may not look into ${stage.root}`]);
    } finally {
      chmodSync(stage.root, 0o755);
    }
  });
});
