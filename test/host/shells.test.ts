import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { siteConfig } from '../../testbed/nginx.mjs';
import { isAlive } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

const busybox = '/usr/bin/busybox';
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the system itself has and the applets of busybox are to take the place of: all but what busybox does not build. */
const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');

let links = '';
beforeAll(() => {
  links = mkdtempSync(join(tmpdir(), 'bluegreen-links-'));
});
afterAll(() => rmSync(links, { recursive: true, force: true }));

/** A folder of links by their names; its path. */
function folderOf(name: string, programs: Record<string, string>): string {
  const dir = join(links, name);
  mkdirSync(dir);
  for (const [program, path] of Object.entries(programs)) symlinkSync(path, join(dir, program));
  return dir;
}

/** Every program of the system but these: a PATH that lacks them. */
function systemWithout(name: string, ...lacking: string[]): string {
  const programs: Record<string, string> = {};
  for (const folder of systemPath.split(delimiter).filter((path) => existsSync(path))) {
    for (const program of readdirSync(folder)) if (!lacking.includes(program)) programs[program] ??= join(folder, program);
  }
  return folderOf(name, programs);
}

describe('a deploy, a second one, one that fails and a rollback', () => {
  let stage: Stage | undefined;
  afterEach(async () => {
    await stage?.stop();
    stage = undefined;
  });

  /** The four runs on a host with this PATH; gives their logs. */
  async function allRuns(path: string, shell = '/usr/bin/dash'): Promise<string> {
    stage = await startStage({
      env: { PATH: path },
      config: ({ site, blue, green }) => siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue} weight=5; # the old app\n    server 127.0.0.1:${green} down;`, site: 'access_log logs/access.log; location / { proxy_pass http://shop; }' }),
    });
    const files = { 'port.ini': `port = ${stage.ports.blue}\n` };
    const more = { env: 'NOTE="it\'s a \\"$note\\""', install: 'echo "$NOTE" > note.txt; echo "the agent is run by $(readlink -f /proc/$PPID/exe)"', shared: 'data/', 'port-files': 'port.ini', 'after-switch': 'echo "switched to $SLOT"' };
    const logs: string[] = [];

    const one = await stage.deploy(stage.repo.commit({ version: 'one' }, files), more);
    expect(one.log).toContain('is live on green');
    expect(one.log).toContain(`the agent is run by ${shell}`);
    expect(readFileSync(join(stage.root, 'slots/green/release/note.txt'), 'utf8')).toBe('it\'s a "$note"\n');
    const first = stage.pid('green');

    const visits = setInterval(() => void stage?.ask(), 50);
    const two = await stage.deploy(stage.repo.commit({ version: 'two' }, files), { ...more, bake: '1s' }).finally(() => clearInterval(visits));
    expect(two.log).toMatch(/1 s: 2 of 2 asks answered well \(slowest [1-9]\d* ms\); 0 of [1-9]\d* answers in \S+access\.log were 5xx \(0 %\)/);
    expect(two.log).toContain('is live on blue');
    expect(two.log).toContain('switched to blue');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(isAlive(first)).toBe(false);
    expect(readFileSync(join(stage.root, 'slots/blue/release/port.ini'), 'utf8')).toBe(`port = ${stage.ports.blue}\n`);

    const before = { config: stage.nginx.read(), pid: stage.pid('blue') };
    const three = await stage.deploy(stage.repo.commit({ version: 'three', unhealthy: true }, files), { ...more, 'health-timeout': '1s' });
    expect(three.code).toBe(1);
    expect(three.log).toContain('not healthy within 1 s');
    expect(three.log).toContain('503');
    expect({ config: stage.nginx.read(), pid: stage.pid('blue') }).toEqual(before);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(isAlive(stage.pid('green'))).toBe(false);

    const back = await stage.rollback();
    expect(back.log).toContain('rolled back');
    expect(back.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(isAlive(before.pid)).toBe(false);
    await prepared(stage);
    logs.push(one.log, two.log, three.log, back.log);
    return logs.join('\n');
  }

  /** Setup of nginx: one that is put back, one that stays, one that has nothing to do. */
  async function prepared({ nginx, deploy, ask }: Stage): Promise<void> {
    const setup = () => deploy('', { command: 'setup', start: '' });
    const config = nginx.read();
    const folder = join(nginx.file, '../bluegreen');
    const answering = config.replace('location /', 'if ($request_uri ~ ^/.blue) { return 301 /; }\n    location /');
    nginx.write(answering);
    nginx.reload();
    const refused = await setup();
    expect(refused.log).toContain('does not tell which slot nginx uses');
    expect(refused.log).toContain('; all was put back');
    expect(nginx.read()).toBe(answering);
    expect(existsSync(folder)).toBe(false);
    nginx.write(config);
    nginx.reload();
    const done = await setup();
    expect(done.log).toContain('nginx uses green in each server block');
    expect(done.code).toBe(0);
    expect(nginx.read()).toBe(
      config.replace('  server {\n', '  include bluegreen/shop-http.conf;\n  server {\n    include bluegreen/shop-server.conf;\n').replaceAll('proxy_pass http://shop;', 'proxy_pass http://$bluegreen_shop;'),
    );
    expect(readdirSync(folder)).toEqual(['shop-http.conf', 'shop-server.conf']);
    expect(await ask()).toEqual({ status: 200, body: 'one' });
    expect((await setup()).log).toContain('set up already, and nginx answers so: nothing was changed');
  }

  test('with dash as sh', async () => {
    await allRuns(`${folderOf('dash', { sh: '/usr/bin/dash' })}:${systemPath}`);
  });

  test('with bash as sh', async () => {
    await allRuns(`${folderOf('bash', { sh: '/usr/bin/bash' })}:${systemPath}`, '/usr/bin/bash');
  });

  test("with busybox's ash as sh, and its applets before the system's programs", async () => {
    const dir = folderOf('busybox', Object.fromEntries(applets.filter((name) => !['wget', '[', '[['].includes(name)).map((name) => [name, busybox])));
    await allRuns(`${dir}:${systemPath}`, busybox);
  });

  test('without curl: GNU wget asks', async () => {
    const log = await allRuns(systemWithout('gnu-wget', 'curl'), realpathSync('/bin/sh'));
    expect(log).toMatch(/200 from http:\/\/shop\.example\.com:\d+\/healthz, answered by port/);
  });

  test('without curl, with busybox alone: its wget asks', async () => {
    const dir = folderOf('busybox-wget', Object.fromEntries(applets.filter((name) => !['[', '[['].includes(name)).map((name) => [name, busybox])));
    await allRuns(`${dir}:${systemWithout('no-asker', 'curl', 'wget', 'ss')}`, busybox);
  });
});

// What wget says of an answer comes before the answer, however long that is, and whatever its status.
describe.each([
  ['GNU wget', () => systemWithout('gnu', 'curl'), / and it does not reach the app/],
  // It cannot be told not to follow: the first answer counts all the same.
  ['busybox wget', () => `${folderOf('bb', { wget: busybox })}:${systemWithout('bb-system', 'curl', 'wget')}`, / answered by port/],
])('without curl: %s', (_name, path, way) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({
      env: { PATH: path() },
      config: ({ site, blue }) =>
        siteConfig({
          port: site,
          app: 'shop',
          server: `server 127.0.0.1:${blue};`,
          site: 'location / { proxy_pass http://shop; }\n    location = /moved { return 302 /elsewhere; }',
        }),
    });
  });
  afterAll(async () => stage?.stop());
  const big = `exec ${process.execPath} -e "require('http').createServer((q, r) => { r.statusCode = q.url === '/auth' ? 401 : 200; r.end(q.headers.host + ' '.repeat(100000)); }).listen(process.env.PORT, '127.0.0.1')"`;

  test('a long answer is healthy, and so is a status that is an error elsewhere', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'one' }), { start: big });
    expect(run.log).toContain('is live on');
    const asked = await stage.deploy(stage.repo.commit({ version: 'two' }), { start: big, 'health-path': '/auth', 'health-status': '401', 'health-host': 'shop.example.com' });
    expect(asked.log).toMatch(/401 from port \d+\/auth/);
    expect(asked.code).toBe(0);
  });

  test('the first answer counts, when it is a redirect too', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'three' }), { 'verify-url': `http://127.0.0.1:${stage.ports.site}/moved` });
    expect(run.log).toMatch(/302 from \S+\/moved, as before the switch,/);
    expect(run.log).toMatch(way);
    expect(run.code).toBe(0);
  });
});
