import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startLoad } from '../../testbed/load.mjs';
import { freePorts, siteConfig } from '../../testbed/nginx.mjs';
import { isAlive, until } from '../../testbed/processes.mjs';
import { startProxy } from '../../testbed/proxy.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;
type Step = { name: string; status: string; ms: number };

const node = process.execPath;
const location = 'location / { proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection ""; }';

let stage: Stage;
let load: ReturnType<typeof startLoad> | undefined;

/** A host whose site has this in its server block, by default one that writes its access log; without a release. */
const begin = async (site = `access_log logs/access.log; ${location}`, http = '') => {
  stage = await startStage({ config: ({ site: port, blue }) => siteConfig({ port, app: 'shop', server: `server 127.0.0.1:${blue}; keepalive 8;`, site, http }) });
};
const deployed = async (version: string) => expect((await stage.deploy(stage.repo.commit({ version }))).code).toBe(0);
/** What serves now. */
const serving = async () => ({ live: stage.live(), pid: stage.pid(stage.live()), file: stage.nginx.read(), body: (await stage.ask()).body });
type Serving = Awaited<ReturnType<typeof serving>>;
const visitors = () => {
  load = startLoad({ port: stage.ports.site, connections: 4, seconds: 100, pauseMs: 10 });
};
const log = () => join(stage.dir, 'nginx', 'logs', 'access.log');
const logLines = (file = log()) => readFileSync(file, 'utf8').split('\n').length - 1;
const marker = (name: string) => join(stage.dir, name);
const lastSteps = () => Object.fromEntries((stage.ledger().at(-1)?.steps ?? []).map(({ name, status }: Step) => [name, status]));
const lastBake = () => (stage.ledger().at(-1)?.steps ?? []).find(({ name }: Step) => name === 'bake');
/** The step's own line in the log: its mark, its time, what it says. */
const bakeLine = (run: Run) => /^[✓✗!] bake {2}.*$/m.exec(run.log)?.[0] ?? '';
/** A server of one line: `body` sees q, r, and s, the server. */
const inline = (body: string, more = '') => `exec ${node} -e ${JSON.stringify(`let s = require('http').createServer((q, r) => { ${body} }); s.listen(process.env.PORT, '127.0.0.1'); ${more}`)}`;
/** The window is open: verify has seen who answers. */
const baking = (before: Serving) => until(() => stage.live() !== before.live && !existsSync(join(stage.root, 'run', 'unproved')), 'the switch and its proof');
const ended = (lines: number) => until(() => stage.ledger().length > lines, 'the host has finished');

/** What is true whenever a window has failed: the old release answers, by the process that it had. */
const expectSwitchedBack = async (run: Run, before: Serving) => {
  expect(run.code).toBe(1);
  expect(run.outputs.switched).toBe('false');
  expect(run.log).toMatch(/shop: failed at bake; release \S+ is live, as before\./);
  expect(lastSteps()).toMatchObject({ verify: 'ok', bake: 'failed', 'switch-back': 'ok', reconcile: 'ok' });
  expect(await serving()).toEqual(before);
  expect(isAlive(before.pid)).toBe(true);
  expect(isAlive(stage.pid(before.live === 'blue' ? 'green' : 'blue'))).toBe(false);
};

/** The visitors: none was without an answer (a keep-alive connection that a reload closed is nginx's own doing). */
const expectAnswers = async (failures?: RegExp) => {
  const counts = await load?.stop();
  expect(counts?.served).toBeGreaterThan(50);
  expect((counts?.failures ?? []).map(({ kind }) => kind).filter((kind) => !failures?.test(kind))).toEqual([]);
  return counts;
};

afterEach(() => {
  load?.kill();
  load = undefined;
});

describe('bake, beside a release that is live', () => {
  let before: Serving;
  beforeAll(async () => {
    await begin();
    await deployed('one');
  });
  afterAll(async () => stage?.stop());
  beforeEach(async () => {
    writeFileSync(log(), '');
    before = await serving();
  });

  test('a good release: asks once a second, counts the access log, and shows its figures', async () => {
    visitors();
    const run = await stage.deploy(stage.repo.commit({ version: 'good' }), {
      bake: '3s',
      'before-switch': `wc -l < ${log()} > ${marker('lines')}`,
      'after-switch': `wc -l < ${log()} >> ${marker('lines')}; test -d /proc/${before.pid} && touch ${marker('old-runs')}`,
    });
    expect(run.code).toBe(0);
    expect(bakeLine(run)).toMatch(/^✓ bake {2}3\.\d s {2}3 s: 4 of 4 asks answered well \(slowest \d+ ms\); 0 of \d{2,} answers in \S+access\.log were 5xx \(0 %\)$/);
    // Of the lines since the switch, each once.
    const [linesBefore = 0, linesAfter = 0] = readFileSync(marker('lines'), 'utf8').split('\n').map(Number);
    const counted = Number(/of (\d+) answers/.exec(bakeLine(run))?.[1]);
    expect(counted).toBeLessThanOrEqual(linesAfter - linesBefore);
    expect(counted).toBeGreaterThan((linesAfter - linesBefore) * 0.5);
    // A step of its own, right after verify, while the old slot still runs.
    expect(Object.keys(lastSteps())).toEqual(['lock', 'reconcile', 'survey', 'clone', 'start', 'health', 'before-switch', 'switch', 'verify', 'bake', 'after-switch', 'drain', 'stop', 'prune']);
    expect(existsSync(marker('old-runs'))).toBe(true);
    expect(isAlive(before.pid)).toBe(false);
    await expectAnswers();
  });

  test('a rollback bakes, too; without the setting there is no such step; `plan` shows what it would do', async () => {
    await deployed('two');
    expect(Object.keys(lastSteps())).not.toContain('bake');
    const run = await stage.rollback({ bake: '1s' });
    expect(run.code).toBe(0);
    expect(bakeLine(run)).toMatch(/2 of 2 asks answered well/);
    const plan = await stage.deploy(stage.repo.commit({ version: 'two' }), { command: 'plan', bake: '90s', 'bake-errors': '2.5%' });
    expect(plan.summary).toMatch(/\| bake \| ask through nginx once a second for 90 s, and count the 5xx answers in \S+access\.log where it is readable \(at most 2\.5 %\); switch back if that goes badly \| 150 s \|/);
  });

  test('the app goes bad after the switch: three bad asks in a row, and the old release has the traffic again', async () => {
    visitors();
    const at = performance.now();
    const run = await stage.deploy(stage.repo.commit({ version: 'bad', bad: { afterMs: 3500, health: true } }), { bake: '60s', 'bake-errors': '100%' });
    expect(performance.now() - at).toBeLessThan(45_000);
    await expectSwitchedBack(run, before);
    expect(bakeLine(run)).toMatch(/^✗ bake .*\/healthz gives 500, 3 times in a row; wanted: 200-299 \(before the switch: 200\)/);
    expect(run.log).toContain('Settings that change it: bake, bake-errors, verify-url');
    expect(run.log).toMatch(/Last answer: bad is broken\s+\(status 500\)/);
    expect(run.log).toMatch(/Until then, \d+ s: \d+ of \d+ asks answered well/);
    expect(run.log).toContain('version bad listens on');
    await expectAnswers(/^status 500$/);
  });

  test('visitors get 5xx while the health path is fine: the access log tells', async () => {
    visitors();
    await until(() => logLines() > 5, 'visitors');
    const run = await stage.deploy(stage.repo.commit({ version: 'bad', bad: {} }), { bake: '60s' });
    await expectSwitchedBack(run, before);
    const [, bad = '', all = ''] = /visitors get errors: (\d+) of (\d+) answers in \S+access\.log were 5xx \(\d+(?:\.\d+)? %\), and 0 of the last \d+ \(0 %\) before the switch/.exec(bakeLine(run)) ?? [];
    expect(Number(bad)).toBeGreaterThan(Number(all) / 2);
    // Found at the first look.
    expect(run.log).toMatch(/Until then, \d s: 5 of 5 asks answered well/);
    const counts = await expectAnswers(/^status 500$/);
    expect(counts?.failed).toBeGreaterThanOrEqual(Number(bad));
  });

  test('a share below the limit passes, and is shown', async () => {
    visitors();
    const run = await stage.deploy(stage.repo.commit({ version: 'below', bad: { every: 40 } }), { bake: '4s' });
    expect(run.code).toBe(0);
    const [, bad = '', share = ''] = /^✓ bake .*; (\d+) of \d+ answers in \S+ were 5xx \((\d+(?:\.\d+)?) %\)$/.exec(bakeLine(run)) ?? [];
    expect(Number(bad)).toBeGreaterThanOrEqual(5);
    expect(Number(share)).toBeGreaterThan(1);
    expect(Number(share)).toBeLessThan(5);
    await deployed('well again');
  });

  test('the same share above a lower limit fails the window', async () => {
    visitors();
    const run = await stage.deploy(stage.repo.commit({ version: 'above', bad: { every: 40 } }), { bake: '20s', 'bake-errors': '0.5' });
    expect(bakeLine(run)).toMatch(/^✗ bake .*visitors get errors: /);
    await expectSwitchedBack(run, before);
  });

  test('a log that is rotated meanwhile: goes on at the start of the new one', async () => {
    visitors();
    const running = stage.deploy(stage.repo.commit({ version: 'good' }), { bake: '7s', 'after-switch': `cp ${log()} ${marker('then')}` });
    await baking(before);
    await sleep(3000);
    renameSync(log(), `${log()}.1`);
    writeFileSync(log(), '');
    process.kill(stage.nginx.pid ?? 0, 'SIGUSR1');
    const run = await running;
    expect(run.code).toBe(0);
    const counted = Number(/of (\d+) answers/.exec(bakeLine(run))?.[1]);
    expect(logLines(marker('then'))).toBeGreaterThan(20);
    expect(counted).toBeGreaterThan(logLines(marker('then')) * 0.7);
  });

  test('the new app dies while it bakes: found at once', async () => {
    visitors();
    const running = stage.deploy(stage.repo.commit({ version: 'dying' }), { bake: '60s' });
    await baking(before);
    await sleep(1500);
    process.kill(stage.pid(stage.live()), 'SIGKILL');
    const at = performance.now();
    const run = await running;
    expect(performance.now() - at).toBeLessThan(15_000);
    await expectSwitchedBack(run, before);
    expect(bakeLine(run)).toMatch(/the new app ended$/);
    // nginx itself answers meanwhile: there is no other server in the upstream.
    await expectAnswers(/^status 502$/);
  });

  test('both apps end while it bakes: nothing is switched, and what is live is told', async () => {
    const running = stage.deploy(stage.repo.commit({ version: 'dying' }), { bake: '60s' });
    await baking(before);
    const live = stage.live();
    for (const pid of [before.pid, stage.pid(live)]) process.kill(pid, 'SIGKILL');
    const run = await running;
    expect(run.code).toBe(1);
    expect(bakeLine(run)).toMatch(/the new app ended$/);
    expect(run.log).toContain('The old slot has ended meanwhile, so the new one stays live');
    expect(run.log).toMatch(/shop: failed at bake; release \S+ is live\.( |$)/);
    expect(lastSteps()).toMatchObject({ bake: 'failed', 'switch-back': 'failed', reconcile: 'ok' });
    expect(stage.live()).toBe(live);
    await deployed('well again');
  });

  test('a bad ask among good ones warns; one at the very end is asked again', async () => {
    // Once it is told to, bad for a second around the end of the window.
    const start = inline(`const t = performance.now() - go; r.statusCode = t > 2600 && t < 3600 ? 503 : 200; r.end('flaky')`, `let go = Infinity; setInterval(() => { if (go === Infinity && require('fs').existsSync('${marker('switched')}')) go = performance.now(); }, 20)`);
    const running = stage.deploy(stage.repo.commit({ version: 'flaky' }), { start, bake: '3s' });
    await baking(before);
    writeFileSync(marker('switched'), '');
    const run = await running;
    expect(run.code).toBe(0);
    const [, good = '', asks = ''] = /^! bake .* (\d+) of (\d+) asks answered well .*; the last bad one: 503$/.exec(bakeLine(run)) ?? [];
    expect(Number(good)).toBeLessThan(Number(asks));
    expect(Number(asks)).toBeGreaterThan(4);
  });

  test('asks that go well and badly in turns fail the window, though never three in a row', async () => {
    const start = inline(`r.statusCode = q.url === '/visit' && n++ % 2 ? 503 : 200; r.end('two')`, 'let n = 0');
    const run = await stage.deploy(stage.repo.commit({ version: 'turns' }), { start, bake: '60s', 'verify-url': `http://127.0.0.1:${stage.ports.site}/visit` });
    await expectSwitchedBack(run, before);
    expect(bakeLine(run)).toMatch(/5 of (9|10|11) asks of \S+\/visit were not answered well/);
  });

  test('others who come to the old slot, as an upload from before the switch may, are no reason', async () => {
    const running = stage.deploy(stage.repo.commit({ version: 'good' }), { bake: '5s', 'after-switch': `kill $(cat ${marker('strangers')})` });
    await baking(before);
    const old = before.live === 'blue' ? stage.ports.blue : stage.ports.green;
    const strangers = spawn(node, ['-e', `setInterval(() => require('net').connect(${old}, '127.0.0.1').on('error', () => {}).on('connect', function () { this.end(); }), 4)`], { stdio: 'ignore' });
    try {
      writeFileSync(marker('strangers'), String(strangers.pid));
      const run = await running;
      expect(bakeLine(run)).toMatch(/^✓ bake .* (\d) of \1 asks answered well/);
      expect(run.code).toBe(0);
    } finally {
      strangers.kill('SIGKILL');
    }
  });

  test('SIGINT: the window ends early, is judged by what it saw, and the host finishes', async () => {
    visitors();
    const lines = stage.ledger().length;
    let child: ChildProcess | undefined;
    const done = stage.deploy(stage.repo.commit({ version: 'good' }), { bake: '30m' }, { onStart: (started: ChildProcess) => (child = started) });
    await baking(before);
    await sleep(2500);
    child?.kill('SIGINT');
    const at = performance.now();
    const run = await done;
    await ended(lines);
    expect(performance.now() - at).toBeLessThan(15_000);
    expect(lastSteps()).toMatchObject({ bake: 'ok', drain: 'ok', stop: 'ok' });
    expect(lastBake()?.ms).toBeLessThan(10_000);
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'success' });
    expect(stage.live()).not.toBe(before.live);
    expect(run.log).toMatch(/ended early, since the run was cancelled or lost its line, after \d s: (\d) of \1 asks answered well/);
    await expectAnswers();
  });

  test('SIGINT in a window that goes badly: what it saw counts', async () => {
    const lines = stage.ledger().length;
    let child: ChildProcess | undefined;
    const done = stage.deploy(stage.repo.commit({ version: 'bad', bad: { afterMs: 3000, health: true } }), { bake: '30m' }, { onStart: (started: ChildProcess) => (child = started) });
    await baking(before);
    await until(async () => (await stage.ask('/healthz')).status === 500, 'it is bad');
    child?.kill('SIGINT');
    await done;
    await ended(lines);
    expect(lastSteps()).toMatchObject({ bake: 'failed', 'switch-back': 'ok' });
    expect(await serving()).toEqual(before);
  });

  test('the line is cut: the same, and the action reads the end from the ledger', async () => {
    const proxy = await startProxy({ target: { host: stage.sshd.host, port: stage.sshd.port } });
    try {
      const hosts = { host: `${stage.sshd.user}@127.0.0.1:${proxy.port}`, 'known-hosts': stage.sshd.fingerprint };
      const running = stage.deploy(stage.repo.commit({ version: 'good' }), { ...hosts, bake: '30m' });
      await baking(before);
      await sleep(1000);
      proxy.cut();
      const run = await running;
      expect(run.code).toBe(0);
      expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'success' });
      expect(lastBake()?.ms).toBeLessThan(10_000);
    } finally {
      await proxy.close();
    }
  });

  test('cancelled before the window began: it is short', async () => {
    const lines = stage.ledger().length;
    let child: ChildProcess | undefined;
    const done = stage.deploy(stage.repo.commit({ version: 'good' }), { bake: '30m' }, { onStart: (started: ChildProcess) => (child = started) });
    await until(() => stage.live() !== before.live, 'the switch');
    child?.kill('SIGINT');
    await done;
    await ended(lines);
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'success' });
    expect(lastBake()?.ms).toBeLessThan(5000);
  });

  // The last one: what it leaves live is as bad.
  test('errors that were there before the switch too only warn, with both figures', async () => {
    expect((await stage.deploy(stage.repo.commit({ version: 'one', bad: { every: 5 } }))).code).toBe(0);
    writeFileSync(log(), '');
    visitors();
    await until(() => logLines() > 100, 'a hundred answers');
    const run = await stage.deploy(stage.repo.commit({ version: 'two', bad: { every: 5 } }), { bake: '3s' });
    expect(run.code).toBe(0);
    expect(bakeLine(run)).toMatch(/^! bake .*visitors get errors, as before the switch: \d+ of \d+ answers in \S+ were 5xx \((1\d|2\d)[\d.]* %\), but so were \d+ of the last \d+ \((1\d|2\d)[\d.]* %\) before the switch \(setting bake-errors\)/);
    await expectAnswers(/^status 500$/);
  });
});

describe('bake on a host of its own kind', () => {
  afterEach(async () => stage?.stop());

  test('a first deploy that goes badly: there is nothing to switch back to, the run fails, and what is live is told', async () => {
    await begin();
    const run = await stage.deploy(stage.repo.commit({ version: 'one', bad: { afterMs: 2500, health: true } }), { bake: '60s' });
    expect(run.code).toBe(1);
    expect(run.log).toMatch(/shop: failed at bake; release \S+ is live\.( |$)/);
    expect(run.log).toContain('It stays live: there is nothing before it to go back to.');
    expect(run.outputs.switched).toBe('true');
    expect(lastSteps()).toMatchObject({ bake: 'failed', reconcile: 'ok' });
    expect(Object.keys(lastSteps())).not.toContain('switch-back');
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'failed', live: 'green' });
    expect(await stage.ask('/healthz')).toEqual({ status: 500, body: 'one is broken' });
    // The next deploy finds a host in order.
    expect((await stage.deploy(stage.repo.commit({ version: 'two' }), { bake: '1s' })).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('a first deploy that goes badly, and an app that was there before still runs: it gets the traffic back', async () => {
    await begin();
    const older = spawn(node, ['-e', `require('http').createServer((q, r) => r.end('older')).listen(${stage.ports.blue}, '127.0.0.1')`], { stdio: 'ignore' });
    try {
      await until(async () => (await stage.ask()).body === 'older', 'the older app answers');
      const file = stage.nginx.read();
      const run = await stage.deploy(stage.repo.commit({ version: 'one', bad: { afterMs: 2500, health: true } }), { bake: '60s' });
      expect(run.code).toBe(1);
      expect(run.log).toContain('shop: failed at bake; nothing is live.');
      expect(stage.nginx.read()).toBe(file);
      expect(await stage.ask()).toEqual({ status: 200, body: 'older' });
      expect(isAlive(stage.pid('green'))).toBe(false);
    } finally {
      older.kill('SIGKILL');
    }
  });

  test('other sites in the same log, and logs that cannot be counted, are named', async () => {
    const [port = 0] = await freePorts(1);
    await begin(location, `access_log logs/access.log; server { listen 127.0.0.1:${port}; return 200; }`);
    const config = (from: string, to: string) => {
      stage.nginx.write(stage.nginx.read().replace(from, to));
      expect(stage.nginx.reload().status).toBe(0);
    };
    config('access_log off;', '');
    await deployed('one');
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { bake: '1s' });
    expect(bakeLine(run)).toMatch(/0 of 0 answers in \S+access\.log were 5xx, other sites' among them$/);
    config('access_log logs/access.log;', 'access_log syslog:server=127.0.0.1:9;');
    const other = await stage.deploy(stage.repo.commit({ version: 'three' }), { bake: '1s' });
    expect(other.code).toBe(0);
    expect(bakeLine(other)).toMatch(/2 of 2 asks answered well \(slowest \d+ ms\); not counted: the access log at \S+nginx\.conf:\d+ goes to syslog$/);
    config('access_log syslog:server=127.0.0.1:9;', 'access_log /dev/null;');
    const third = await stage.deploy(stage.repo.commit({ version: 'four' }), { bake: '1s' });
    expect(third.code).toBe(0);
    expect(bakeLine(third)).toMatch(/^✓ bake .*; \/dev\/null was not counted: it is no file on disk$/);
  });

  test('an answer like the one before the switch is a good one: a redirect', async () => {
    await begin(`access_log logs/access.log; ${location} location = /healthz { return 301 https://shop.example.com/; }`);
    await deployed('one');
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { bake: '1s', 'verify-url': `http://127.0.0.1:${stage.ports.site}/healthz` });
    expect(run.code).toBe(0);
    expect(bakeLine(run)).toMatch(/^✓ bake .* 2 of 2 asks answered well/);
  });

  test('requests that come to the old slot again: nginx goes by another line than the new app’s', async () => {
    // As by a backup line: what the new app refuses, another way brings to the old slot, which answers well.
    const [port = 0] = await freePorts(1);
    let old = 0;
    const detour = createServer((socket) => {
      const onward = connect(old, '127.0.0.1');
      for (const one of [socket, onward]) one.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => detour.listen(port, '127.0.0.1', resolve));
    try {
      await begin(`access_log logs/access.log; location / { proxy_pass http://shop; error_page 502 = @other; } location @other { proxy_pass http://127.0.0.1:${port}; }`);
      old = stage.ports.green;
      await deployed('one');
      const before = await serving();
      const start = inline(`r.end('two')`, `setInterval(() => { if (require('fs').existsSync('${marker('deaf')}')) { s.close(); s.closeAllConnections(); } }, 50)`);
      const running = stage.deploy(stage.repo.commit({ version: 'two' }), { start, bake: '60s' });
      await baking(before);
      writeFileSync(marker('deaf'), '');
      const run = await running;
      await expectSwitchedBack(run, before);
      expect(bakeLine(run)).toMatch(new RegExp(`requests reach the old slot \\(port ${old}\\): nothing listens on port ${stage.ports.blue} any more`));
    } finally {
      detour.close();
    }
  });
});
