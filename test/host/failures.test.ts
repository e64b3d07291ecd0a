import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, jest, test } from '@jest/globals';
import { siteConfig } from '../../testbed/nginx.mjs';
import { isAlive, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

// Rule 2: before the switch, nothing that serves traffic is touched.
describe('a deploy that fails leaves what serves the traffic as it was', () => {
  let stage: Stage;
  let before: { config: string; live: string; pid: number };

  const state = () => ({ config: stage.nginx.read(), live: stage.live(), pid: stage.pid(stage.live()) });

  beforeAll(async () => {
    stage = await startStage({
      config: ({ site, blue, green }) =>
        siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue} weight=5; # the old app\n    server 127.0.0.1:${green} down;`, http: 'include extra/*.conf;' }),
    });
    const run = await stage.deploy(stage.repo.commit({ version: 'one' }));
    expect(run.log).toContain('is live');
  });
  afterAll(async () => stage?.stop());
  beforeEach(() => {
    before = state();
  });
  afterEach(async () => {
    expect(state()).toEqual(before);
    expect(isAlive(before.pid)).toBe(true);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    // Nothing is left: no other app runs, no lock, no intent, no half release.
    expect(['green', 'blue'].filter((slot) => isAlive(stage.pid(slot)))).toEqual([before.live]);
    expect(existsSync(join(stage.root, 'switch.intent'))).toBe(false);
    expect(readdirSync(join(stage.root, 'run')).filter((name) => name.startsWith('step') || name === 'current')).toEqual([]);
    for (const release of readdirSync(join(stage.root, 'releases'))) expect(existsSync(join(stage.root, 'releases', release, '.release.json'))).toBe(true);
    await until(() => !readdirSync(join(stage.root, 'run')).some((name) => name.startsWith('pipes')), 'the agent removed its pipes');
  });

  test('install fails: its output, its status, and the release is removed', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { install: 'echo building; exit 7' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the install command ended with status 7');
    expect(run.log).toContain('building');
    expect(run.outputs.switched).toBe('false');
    expect(readdirSync(join(stage.root, 'releases'))).toHaveLength(1);
  });

  test('install is killed by a signal: that is a failure', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { install: 'kill -KILL $$' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('signal 9');
  });

  test('install takes too long: it is ended, with all that it started', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { install: 'sleep 300 & echo $! > /tmp/bluegreen-test-sleep; sleep 300', 'step-timeout': '1s' });
    const pid = Number(readFileSync('/tmp/bluegreen-test-sleep', 'utf8'));
    expect(run.code).toBe(1);
    expect(run.log).toContain('the time limit of 1 s ran out');
    expect(run.log).toContain('step-timeout');
    await until(() => !isAlive(pid), 'the background process ended');
  });

  test('a command that is not found: the PATH in force, and how to change it', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { install: 'no-such-program' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('status 127: a command was not found');
    expect(run.log).toMatch(/The PATH in force was \/[^ ]*\/bin/);
    expect(run.log).toContain('path');
  });

  test('the app crashes at its start: its last words are shown', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two', crash: true }));
    expect(run.code).toBe(1);
    expect(run.log).toContain('the app ended');
    expect(run.log).toContain('cannot reach the database at db.example.com:5432');
    expect(run.ms).toBeLessThan(30_000);
  });

  test('the app never becomes healthy: its last answer, the settings in force, its log', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two', unhealthy: true }), { 'health-timeout': '1s', 'health-passes': '3' });
    expect(run.code).toBe(1);
    expect(run.log).toMatch(/not healthy within 1 s: http:\/\/127\.0\.0\.1:\d+\/healthz wants 200-299 \(3 in a row\)/);
    expect(run.log).toMatch(/Last answer: the migrations are missing\s+\(status 503\)/);
    expect(run.log).toContain('health-timeout');
    expect(run.summary).toContain('version two listens on');
    expect(run.summary).toMatch(/release \S+ is live, as before/);
  });

  test('the idle port is taken by a stranger: who it is', async () => {
    const server = createServer();
    const idle = stage.live() === 'blue' ? stage.ports.green : stage.ports.blue;
    await new Promise<void>((resolve) => server.listen(idle, '127.0.0.1', resolve));
    try {
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }));
      expect(run.code).toBe(1);
      expect(run.log).toContain(`port ${idle} of the `);
      expect(run.log).toContain(`process ${process.pid}`);
    } finally {
      server.close();
    }
  });

  test('before-switch fails: no switch', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'before-switch': 'echo migrating; false' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the before-switch command ended with status 1');
  });

  test('nginx refuses its configuration: put back byte by byte', async () => {
    const extra = join(stage.dir, 'nginx', 'conf', 'extra');
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'before-switch': `mkdir -p ${extra}; echo 'nonsense;' > ${extra}/broken.conf` });
    writeFileSync(join(extra, 'broken.conf'), '');
    expect(run.code).toBe(1);
    expect(run.log).toContain('nginx refuses the configuration with the new port (nginx -t)');
    expect(run.log).toContain('unknown directive "nonsense"');
  });

  test('the nginx file is changed between survey and switch: not overwritten', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'before-switch': `printf '# by hand\\n' >> ${stage.nginx.file}` });
    expect(run.code).toBe(1);
    expect(run.log).toContain('was changed between survey and switch');
    expect(stage.nginx.read()).toBe(`${before.config}# by hand\n`);
    stage.nginx.write(before.config);
  });

  test('the new slot does not answer well through nginx: switched back', async () => {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'verify-url': `http://127.0.0.1:${stage.ports.site}/healthz?wrong`, 'health-status': '200-299', 'before-switch': 'sed -i s/two/broken/ release.json', 'switch-timeout': '1s', start: `exec ${process.execPath} -e "require('http').createServer((q, r) => { r.statusCode = q.url.includes('wrong') ? 500 : 200; r.end(); }).listen(process.env.PORT, '127.0.0.1')"` });
    expect(run.code).toBe(1);
    expect(run.log).toMatch(/answers 500 \(before the switch: 200\)/);
    expect(run.log).toContain('switched back');
    expect(run.outputs.switched).toBe('false');
  });

  test('the URL does not lead to the new slot, though it answers 200: switched back', async () => {
    const server = spawn(process.execPath, ['-e', "require('http').createServer((q, r) => r.end()).listen(0, '127.0.0.1', function () { console.log(this.address().port) })"], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const port = await new Promise<string>((resolve) => server.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())));
      // Rule 3: a 200 alone proves nothing.
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'verify-url': `http://127.0.0.1:${port}/`, 'switch-timeout': '1s', 'health-status': '200' });
      expect(run.log).toContain(`did not lead to port`);
      expect(run.code).toBe(1);
    } finally {
      server.kill('SIGKILL');
    }
  });
});
