import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startLoad } from '../../testbed/load.mjs';
import { siteConfig } from '../../testbed/nginx.mjs';
import { isAlive, processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

let stage: Stage;
let taken: Server | undefined;

const begin = async (more: { nginxAs?: string; errorLog?: string } = {}) => {
  stage = await startStage({
    config: ({ site, blue }) =>
      siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue};`, http: 'include extra/*.conf;' }).replace('error_log logs/error.log notice;', more.errorLog ?? '$&'),
    nginxAs: more.nginxAs,
  });
  mkdirSync(join(stage.dir, 'nginx/conf/extra'));
  expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
};

const extra = (name = 'other.conf') => join(stage.dir, 'nginx/conf/extra', name);
const marker = (name: string) => join(stage.dir, name);
/** Workers of the master, with their start times: the same numbers are not always the same processes. */
const workers = () =>
  spawnSync('pgrep', ['-P', String(stage.nginx.pid)], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean)
    .map((pid) => `${pid} ${processStat(pid)?.started}`)
    .sort();
/** A command for the setting nginx-command that does this at `-s reload`, and else is nginx. */
const atReload = (script: string) => {
  const file = marker('nginx-wrapper');
  writeFileSync(file, `#!/bin/sh\nfor a; do [ "$a" != reload ] || { ${script}\n}; done\nexec ${stage.nginx.command} "$@"\n`);
  chmodSync(file, 0o755);
  return { 'nginx-command': `${file} -p ${stage.dir}/nginx/` };
};
/** A port of 127.0.0.1 that another process has. */
const takePort = async () => {
  const server = createServer();
  taken = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
};
/** Deploys while visitors come, and looks that nothing that serves was touched and nobody went without an answer. */
const failing = async (inputs: Record<string, string>): Promise<Run> => {
  const before = { file: stage.nginx.read(), live: stage.live(), pid: stage.pid(stage.live()), workers: workers() };
  const load = startLoad({ port: stage.ports.site, connections: 4, seconds: 100, pauseMs: 10 });
  try {
    const run = await stage.deploy(stage.repo.commit({ version: 'two' }), inputs);
    expect(run.code).toBe(1);
    expect(run.log).toMatch(/shop: failed at switch; release \S+ is live, as before\./);
    expect({ file: stage.nginx.read(), live: stage.live(), pid: stage.pid(stage.live()), workers: workers() }).toEqual(before);
    expect(isAlive(before.pid)).toBe(true);
    expect(isAlive(stage.pid(before.live === 'blue' ? 'green' : 'blue'))).toBe(false);
    expect(existsSync(join(stage.root, 'switch.intent'))).toBe(false);
    const counts = await load.stop();
    expect(counts).toMatchObject({ failed: 0, keepaliveCloses: 0, failures: [], versions: { one: counts.served } });
    expect(counts.served).toBeGreaterThan(50);
    return run;
  } finally {
    load.kill();
  }
};
/** The step's own line in the log. */
const switchLine = (run: Run) => /^✗ switch {2}.*$/m.exec(run.log)?.[0] ?? '';

afterEach(() => {
  taken?.close();
  taken = undefined;
});

describe('a reload that did not take is found, with its cause, and put back', () => {
  beforeAll(() => begin());
  afterAll(async () => stage?.stop());
  beforeEach(() => writeFileSync(extra(), ''));

  test('a port that somebody else has: `nginx -t` says yes, the master tries for 2.5 s, then gives up', async () => {
    const port = await takePort();
    writeFileSync(extra(), `server { listen 127.0.0.1:${port}; }`);
    expect(spawnSync('sh', ['-c', `${stage.nginx.command} -t`]).status).toBe(0);
    writeFileSync(extra(), '');
    const from = stage.nginx.errors().length;
    // Shorter than the master's tries: it is waited for all the same, since until then nobody knows how it ends.
    const run = await failing({ 'before-switch': `echo 'server { listen 127.0.0.1:${port}; }' > ${extra()}`, 'switch-timeout': '1s' });
    expect(switchLine(run)).toContain(`nginx did not take the new configuration: bind() to 127.0.0.1:${port} failed (98: Address already in use). It was put back`);
    // The details: nginx's own lines, each message once.
    expect(run.log).toMatch(/\[emerg\] \d+#\d+: still could not bind\(\)/);
    expect(run.log.match(/\[emerg\] \d+#\d+: bind\(\) to/g)).toHaveLength(1);
    expect(run.log).toContain('switch-timeout, nginx-command');
    expect(stage.nginx.errors().slice(from).match(/still could not bind/g)?.length).toBeGreaterThanOrEqual(1);
  });

  test('a port that becomes free while the master tries again: the reload takes', async () => {
    const port = await takePort();
    const trying = stage.nginx.errors().split('try again to bind').length;
    const running = stage.deploy(stage.repo.commit({ version: 'one' }), { 'before-switch': `echo 'server { listen 127.0.0.1:${port}; }' > ${extra()}`, 'switch-timeout': '1s' });
    await until(() => stage.nginx.errors().split('try again to bind').length > trying + 3, 'the master tries');
    taken?.close();
    const run = await running;
    expect(run.code).toBe(0);
    expect(run.log).toContain('is live on');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('a module that the running master cannot load, though `nginx -t` and the command can', async () => {
    // As after an upgrade of nginx's package: the program on disk takes it, the one in memory does not.
    const module = marker('broken.so');
    writeFileSync(module, 'no module at all');
    const main = stage.nginx.read();
    const run = await failing(atReload(`grep -q load_module ${stage.nginx.file} || sed -i '1i load_module ${module};' ${stage.nginx.file}; kill -HUP ${stage.nginx.pid}; sleep 0.5; sed -i /load_module/d ${stage.nginx.file}; exit 0;`));
    expect(switchLine(run)).toMatch(new RegExp(`nginx did not take the new configuration: dlopen\\(\\) "${module}" failed \\(${module}: .*\\) in ${stage.nginx.file}:1\\. It was put back`));
    expect(stage.nginx.read()).toBe(main);
  });

  test('the same, and the command that signals cannot load it either', async () => {
    const module = marker('broken.so');
    writeFileSync(module, 'no module at all');
    const run = await failing(atReload(`sed -i '1i load_module ${module};' ${stage.nginx.file}; ${stage.nginx.command} -s reload; said=$?; sed -i /load_module/d ${stage.nginx.file}; exit $said;`));
    expect(switchLine(run)).toMatch(/nginx did not take the new configuration: `nginx -s reload` ended with status 1: dlopen\(\) "\S+broken\.so" failed/);
  });

  test('a command that ends well and does nothing', async () => {
    const run = await failing({ ...atReload('exit 0;'), 'switch-timeout': '1s' });
    expect(switchLine(run)).toContain('nginx did not take the new configuration: no new workers came. It was put back');
    expect(run.log).toContain(`nginx's error log ${stage.dir}/nginx/logs/error.log has no word of it: does the reload reach the process ${stage.nginx.pid}, which runs?`);
  });

  test('a command that fails, and what it says', async () => {
    const run = await failing(atReload('echo "sudo: a password is required" >&2; exit 1;'));
    expect(switchLine(run)).toContain('`nginx -s reload` ended with status 1: sudo: a password is required');
  });

  test('errors of visitors’ requests in the log are no cause, and are not shown', async () => {
    const lines = `2026/11/23 08:00:00 [emerg] 999999#999999: of another nginx\\n2026/11/23 08:00:00 [error] ${stage.nginx.pid}#0: *7 upstream, request: "GET /?token=secret-token HTTP/1.1"\\n`;
    const run = await failing({ ...atReload(`printf '${lines}' >> ${stage.dir}/nginx/logs/error.log; exit 0;`), 'switch-timeout': '1s' });
    expect(switchLine(run)).toContain('no new workers came');
    expect(run.log).not.toContain('secret-token');
    expect(run.log).not.toContain('of another nginx');
  });

  test('after all of these the next deploy is like any other', async () => {
    expect((await stage.deploy(stage.repo.commit({ version: 'three' }))).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
  });
});

describe('how keepalive_min_timeout helps', () => {
  afterAll(async () => stage?.stop());

  test('is said at the first deploy with an nginx that knows it, and when that has become another version', async () => {
    stage = await startStage();
    const version = (text: string) => {
      const file = marker('nginx-wrapper');
      writeFileSync(file, `#!/bin/sh\nfor a; do [ "$a" != -V ] || { ${stage.nginx.command} -V 2>&1 | sed 's|nginx/[0-9.]*|nginx/${text}|'; exit 0; }; done\nexec ${stage.nginx.command} "$@"\n`);
      chmodSync(file, 0o755);
      return { 'nginx-command': `${file} -p ${stage.dir}/nginx/` };
    };
    const said: boolean[] = [];
    for (const text of ['1.27.4', '1.27.4', '1.29.1', '1.27.3']) {
      const run = await stage.deploy(stage.repo.commit({ version: text }), version(text));
      expect(run.code).toBe(0);
      expect(run.log).toMatch(/✓ survey/);
      said.push(run.log.includes(`nginx ${text} can lose fewer keep-alive requests at a reload: with \`keepalive_min_timeout 5s;\``));
    }
    expect(said).toEqual([true, false, true, false]);
  });
});

describe('where nginx’s errors cannot be seen, the error says so', () => {
  afterEach(async () => stage?.stop());

  test.each([
    ['stderr', 'error_log stderr notice;'],
    ['syslog', 'error_log syslog:server=127.0.0.1:9 notice;'],
  ])('error_log %s', async (_name, errorLog) => {
    await begin({ errorLog });
    const port = await takePort();
    const run = await failing({ 'before-switch': `echo 'server { listen 127.0.0.1:${port}; }' > ${extra()}`, 'switch-timeout': '1s' });
    expect(switchLine(run)).toContain('nginx did not take the new configuration: no new workers came');
    expect(run.log).toContain("nginx's errors go to no file (error_log is stderr or syslog, or none is set): look there, for example with journalctl -u nginx");
  });
});

const root = process.getuid?.() === 0;
if (!root) test.skip('NOT RUN: a master of another user than the one that calls `nginx -t` needs root', () => {});
else
  describe('a master that may not do what root may', () => {
    beforeAll(() => begin({ nginxAs: 'nobody' }));
    afterAll(async () => stage?.stop());

    test('a file that only root can read: `nginx -t` says yes, the master cannot open it', async () => {
      const run = await failing({ 'before-switch': `echo '# secret' > ${extra('root.conf')}; chmod 600 ${extra('root.conf')}` });
      expect(switchLine(run)).toContain(`nginx did not take the new configuration: open() "${extra('root.conf')}" failed (13: Permission denied)`);
      writeFileSync(extra('root.conf'), '');
      chmodSync(extra('root.conf'), 0o644);
      expect((await stage.deploy(stage.repo.commit({ version: 'three' }))).code).toBe(0);
    });
  });
