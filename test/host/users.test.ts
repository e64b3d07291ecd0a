import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { siteConfig } from '../../testbed/nginx.mjs';
import { isAlive, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

const root = process.getuid?.() === 0;
const sudo = existsSync('/usr/bin/sudo') && existsSync('/etc/sudoers.d');
// Names of this process alone, so that nothing of the machine's own is touched.
const name = `bg${process.pid}`;
const sudoers = `/etc/sudoers.d/bluegreen-test-${process.pid}`;
const nginxFolder = `/etc/nginx/${name}`;

if (!root) test.skip('NOT RUN: deploys of an ordinary user need root, who makes one', () => {});
else if (!sudo) test.skip('NOT RUN: deploys of an ordinary user need the package sudo', () => {});
else describe('an ordinary user deploys', suite);

function suite() {
  let uid = 0;
  let gid = 0;
  let stage: Stage;

  const removeAll = () => {
    rmSync(sudoers, { force: true });
    rmSync(nginxFolder, { recursive: true, force: true });
    spawnSync('userdel', ['-r', '-f', name]);
  };

  beforeAll(() => {
    process.once('exit', removeAll);
    // A password that no one has: without one, sshd takes the user for locked.
    run('useradd', ['-m', '-s', '/bin/bash', '-p', '*', name]);
    uid = Number(run('id', ['-u', name]));
    gid = Number(run('id', ['-g', name]));
  });
  afterAll(() => {
    process.removeListener('exit', removeAll);
    removeAll();
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain(`${name}:`);
  });

  const folderOfUser = (path: string) => {
    mkdirSync(path, { recursive: true });
    chownSync(path, uid, gid);
    return path;
  };
  const fileOfUser = (path: string, text: string) => {
    writeFileSync(path, text);
    chownSync(path, uid, gid);
  };
  const giveAll = (path: string, to = { uid, gid }) => {
    chownSync(path, to.uid, to.gid);
    if (lstatSync(path).isDirectory()) for (const entry of readdirSync(path)) giveAll(join(path, entry), to);
  };
  /** Deploys as the user, with nginx by sudo. */
  const deploy = (version: string, more: Record<string, string> = {}) => {
    // git reads and writes no repository of somebody else's.
    giveAll(stage.repo.url, { uid: 0, gid: 0 });
    const sha = stage.repo.commit({ version });
    giveAll(stage.repo.url);
    return stage.deploy(sha, { 'nginx-command': `sudo -n ${stage.nginx.command}`, ...more });
  };
  const allow = () => {
    const { command } = stage.nginx;
    writeFileSync(sudoers, `${name} ALL=(root) NOPASSWD: ${command} -T, ${command} -t, ${command} -s reload\n`, { mode: 0o440 });
  };

  let upstream = '';
  beforeEach(async () => {
    stage = await startStage({
      app: name,
      sshd: { user: name },
      config: ({ site, blue }) => siteConfig({ port: site, app: name, server: `server 127.0.0.1:${blue};` }),
    });
    // Anybody may enter the stage; what is secret in it has modes of its own.
    for (const path of [stage.dir, join(stage.dir, 'nginx'), join(stage.dir, 'nginx/logs'), join(stage.dir, 'repo')]) chmodSync(path, 0o755);
    chownSync(stage.root, uid, gid);
    upstream = join(stage.dir, 'upstreams', 'app.conf');
  });
  afterEach(async () => {
    rmSync(sudoers, { force: true });
    rmSync(nginxFolder, { recursive: true, force: true });
    await stage.stop();
  });

  /** The upstream in a file and folder of the user's, which root's nginx.conf includes. */
  const ownUpstream = () => {
    folderOfUser(join(stage.dir, 'upstreams'));
    const block = new RegExp(` *upstream ${name} \\{[^}]*\\}\\n`);
    fileOfUser(upstream, block.exec(stage.nginx.read())?.[0] ?? '');
    stage.nginx.write(stage.nginx.read().replace(block, `  include ${upstream};\n`));
    expect(stage.nginx.reload().status).toBe(0);
  };

  test('with the sudo rule and an upstream file of its own: deploy, second deploy, rollback', async () => {
    allow();
    ownUpstream();
    const config = stage.nginx.read();
    const one = await deploy('one');
    expect(one.log).toContain('is live on green');
    expect(one.code).toBe(0);
    const first = stage.pid('green');
    expect(lstatSync(`/proc/${first}`).uid).toBe(uid);
    const two = await deploy('two');
    expect(two.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(isAlive(first)).toBe(false);
    const status = await stage.deploy('', { command: 'status', 'nginx-command': `sudo -n ${stage.nginx.command}` });
    expect(JSON.parse(status.outputs.status ?? '')).toMatchObject({ user: name, live: 'blue', drift: [], slots: { blue: { processes: 1, memoryBytes: expect.any(Number) } }, nginx: { routesTo: 'blue', configured: 'blue', problem: null } });
    const back = await stage.rollback({ 'nginx-command': `sudo -n ${stage.nginx.command}` });
    expect(back.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(stage.nginx.read()).toBe(config);
    expect(readFileSync(upstream, 'utf8')).toContain(`server 127.0.0.1:${stage.ports.green};`);
    expect(lstatSync(upstream)).toMatchObject({ uid, gid });
    expect(lstatSync(join(stage.root, 'slots/green/env')).mode & 0o777).toBe(0o600);
  });

  test("logs of nginx that the user may not read: the error of a reload and the note of a bake say so", async () => {
    allow();
    ownUpstream();
    folderOfUser(join(stage.dir, 'extra'));
    const [access, errors] = [join(stage.dir, 'nginx/logs/access.log'), join(stage.dir, 'nginx/logs/error.log')];
    stage.nginx.write(stage.nginx.read().replace('access_log off;', `include ${stage.dir}/extra/*.conf; access_log logs/access.log;`));
    expect(stage.nginx.reload().status).toBe(0);
    await until(() => existsSync(access), 'nginx made its access log');
    for (const log of [access, errors]) chmodSync(log, 0o600);

    const one = await deploy('one', { bake: '1s' });
    expect(one.code).toBe(0);
    expect(one.log).toContain(`${access} was not counted: the user ${name} may not read it (it belongs to root:root)`);

    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const two = await deploy('two', { 'before-switch': `echo 'server { listen 127.0.0.1:${port}; }' > ${stage.dir}/extra/other.conf`, 'switch-timeout': '1s' });
      expect(two.code).toBe(1);
      expect(two.log).toContain('nginx did not take the new configuration: no new workers came. It was put back');
      expect(two.log).toContain(`nginx's error log ${errors} may not be read by the user ${name}: look there`);
      expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    } finally {
      server.close();
    }
  });

  test('without the sudo rule: the line to write is shown, and nothing was changed', async () => {
    ownUpstream();
    // Without the setting: what the action calls by itself.
    const run = await deploy('one', { 'nginx-command': '' });
    expect(run.code).toBe(1);
    expect(run.log).toContain('`sudo -n /usr/sbin/nginx -T` failed');
    expect(run.log).toContain(`  ${name} ALL=(root) NOPASSWD: /usr/sbin/nginx -T, /usr/sbin/nginx -t, /usr/sbin/nginx -s reload\n`);
    expect(readdirSync(join(stage.root, 'releases'))).toEqual([]);
  });

  test("the upstream in root's own file: the lines that are shown make the deploy work", async () => {
    allow();
    const refused = await deploy('one');
    expect(refused.code).toBe(1);
    const file = stage.nginx.file;
    expect(refused.log).toContain(`the user ${name} cannot write ${file} and its folder`);

    const lines = refused.log.split('\n').map((line) => line.trimEnd());
    const begin = lines.findIndex((line) => line.endsWith('As root, on the host:'));
    const place = lines.findIndex((line, at) => at > begin && line.startsWith(`In ${file}, line `));
    expect([begin, place].every((at) => at > 0)).toBe(true);
    for (const line of lines.slice(begin + 1, place)) run('sh', ['-c', line]);

    // In the upstream that begins in the line that is named, the include takes the place of the server lines.
    const at = Number(/line (\d+)/.exec(lines[place] ?? '')?.[1]);
    const config = stage.nginx.read().split('\n');
    expect(config[at - 1]).toContain(`upstream ${name} {`);
    const end = config.findIndex((line, index) => index >= at && line.trim() === '}');
    config.splice(at, end - at, ...config.slice(at, end).filter((line) => !line.trim().startsWith('server ')), lines[place + 1] ?? '');
    stage.nginx.write(config.join('\n'));
    expect(lines[place + 2]).toContain('nginx -t && nginx -s reload');
    run('sh', ['-c', `${stage.nginx.command} -t && ${stage.nginx.command} -s reload`]);

    const run2 = await deploy('one');
    expect(run2.log).toContain('is live on');
    expect(run2.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(readFileSync(join(nginxFolder, 'servers.conf'), 'utf8')).toContain(`127.0.0.1:${stage.ports[stage.live() === 'blue' ? 'blue' : 'green']}`);

    // The file is apart already, but root's: another line, which works as well.
    const servers = join(nginxFolder, 'servers.conf');
    for (const path of [nginxFolder, servers]) chownSync(path, 0, 0);
    const again = await deploy('two');
    expect(again.code).toBe(1);
    const line = again.log.split('\n').find((text) => text.trim().startsWith('chown ')) ?? '';
    expect(line.trim()).toBe(`chown ${name} ${nginxFolder} ${servers}`);
    run('sh', ['-c', line]);
    expect((await deploy('three')).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
  });

  test('a root that is not there and cannot be made: the line that makes it is shown, and works', async () => {
    allow();
    ownUpstream();
    const missing = join(stage.dir, 'elsewhere', name);
    mkdirSync(join(stage.dir, 'elsewhere'));
    const refused = await deploy('one', { root: missing });
    expect(refused.code).toBe(1);
    expect(refused.log).toContain(`the folder ${missing} cannot be used by the user ${name}`);
    const line = refused.log.split('\n').find((text) => text.trim().startsWith('install -d')) ?? '';
    expect(line.trim()).toBe(`install -d -o ${name} ${missing}`);
    run('sh', ['-c', line]);
    const done = await deploy('two', { root: missing, 'health-timeout': '10s' });
    try {
      expect(done.log).toContain('is live on');
    } finally {
      const pid = Number(readFileSync(join(missing, 'slots', 'green', 'pid'), 'utf8').split(' ')[0]);
      if (isAlive(pid)) process.kill(-pid, 'SIGKILL');
    }
  });
}

function run(command: string, args: string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${result.error?.message ?? result.stderr}`);
  return result.stdout.trim();
}
