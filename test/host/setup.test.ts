import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { siteConfig, startNginx } from '../../testbed/nginx.mjs';
import { processStat, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { needsRoot } from './root.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

let stage: Stage;
const apps: Server[] = [];
const probe = '/.bluegreen/shop';
const asRoot = process.getuid?.() === 0;

/** An app on a port or a socket, which answers its name. */
const app = async (name: string, at: number | string) => {
  const server = createServer((_asked, answer) => void answer.end(name));
  await new Promise<void>((resolve) => (typeof at === 'string' ? server.listen(at, resolve) : server.listen(at, '127.0.0.1', resolve)));
  apps.push(server);
};
const setup = (more: Record<string, string> = {}) => stage.deploy('', { command: 'setup', start: '', ...more });
const conf = () => dirname(stage.nginx.file);
const inConf = (name: string) => join(conf(), name);
const managed = () => ['http', 'server'].map((kind) => inConf(`bluegreen/shop-${kind}.conf`));
/** Everything below a folder: names, kinds, modes, owners and bytes. */
const snapshot = (path: string): Record<string, string> => {
  const found: Record<string, string> = {};
  const look = (at: string) => {
    const stat = lstatSync(at);
    const what = stat.isSymbolicLink() ? `-> ${readlinkSync(at)}` : stat.isDirectory() ? 'folder' : readFileSync(at, 'utf8');
    found[at] = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${what}`;
    if (stat.isDirectory()) for (const name of readdirSync(at)) look(join(at, name));
  };
  look(path);
  return found;
};
const workers = () => readFileSync(`/proc/${stage.nginx.pid}/task/${stage.nginx.pid}/children`, 'utf8').trim();
/** New workers serve, the old ones are gone: what is asked from now on is answered by the new configuration. */
const reload = async () => {
  const before = workers();
  expect(stage.nginx.reload().status).toBe(0);
  await until(() => workers().split(' ').every((pid) => !before.includes(pid)), 'new workers');
};
/** A stand-in for nginx's command that does something first, when it is called with that argument. */
const meddling = (argument: string, first: string, instead = 'exec /usr/sbin/nginx "$@"') => {
  const path = join(stage.dir, 'meddling');
  writeFileSync(path, `#!/bin/sh\nfor last; do :; done\nif [ "$last" = "${argument}" ]; then\n${first}\n${instead}\nfi\nexec /usr/sbin/nginx "$@"\n`, { mode: 0o755 });
  return { 'nginx-command': stage.nginx.command.replace('/usr/sbin/nginx', path) };
};

/** A setup that has written its files, and waits in `nginx -t`; the step leads a process group of its own. */
const held = async () => {
  const file = join(stage.dir, 'held');
  const child = setup(meddling('-t', `echo $PPID > '${file}'; sleep 30`));
  await until(() => existsSync(file) && readFileSync(file, 'utf8').trim(), 'nginx -t under way');
  const group = processStat(readFileSync(file, 'utf8').trim())?.group ?? 0;
  expect(group).toBeGreaterThan(1);
  return { child, group };
};

afterEach(async () => {
  for (const server of apps.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await stage?.stop();
});

describe('a site with one server block', () => {
  beforeEach(async () => {
    stage = await startStage();
    await app('blue', stage.ports.blue);
  });

  test('is set up without a request lost, and follows the link from then on; the app’s folder need not be there', async () => {
    rmSync(stage.root, { recursive: true });
    chmodSync(stage.nginx.file, 0o640);
    const before = stage.nginx.read();
    let asking = true;
    const answers: Record<string, number> = {};
    const traffic = Array.from({ length: 4 }, async () => {
      while (asking) {
        const { status, body } = await stage.ask();
        answers[`${status} ${body}`] = (answers[`${status} ${body}`] ?? 0) + 1;
      }
    });
    const run = await setup();
    asking = false;
    await Promise.all(traffic);
    expect(run.log).toContain(`✓ shop: nginx follows ${stage.root}/live from now on.`);
    expect(run.code).toBe(0);
    expect(Object.keys(answers)).toEqual(['200 blue']);

    expect(stage.nginx.read()).toBe(
      before.replace('  server {\n', '  include bluegreen/shop-http.conf;\n  server {\n    include bluegreen/shop-server.conf;\n').replaceAll('proxy_pass http://shop;', 'proxy_pass http://$bluegreen_shop;'),
    );
    expect(statSync(stage.nginx.file).mode & 0o777).toBe(0o640);
    for (const file of managed()) {
      expect(statSync(file)).toMatchObject({ uid: process.getuid?.(), gid: process.getgid?.() });
      expect(statSync(file).mode & 0o777).toBe(0o644);
      // What was written is shown, and where.
      expect(run.log).toContain(`Written: ${file}\n\n    ${readFileSync(file, 'utf8').trimEnd().split('\n').join('\n    ')}\n`);
    }
    expect(statSync(inConf('bluegreen')).mode & 0o777).toBe(0o755);
    const line = before.split('\n').findIndex((text) => text.includes('proxy_pass')) + 1;
    expect(run.log).toContain(`${stage.nginx.file}:${line}\n  - proxy_pass http://shop;\n  + proxy_pass http://$bluegreen_shop;\n`);
    expect(run.summary).toContain('+ proxy_pass http://$bluegreen_shop;');
    expect(readdirSync(conf()).sort()).toEqual(['bluegreen', 'nginx.conf']);
    expect(readdirSync(inConf('bluegreen')).sort()).toEqual(['shop-http.conf', 'shop-server.conf']);
    expect(existsSync(stage.root)).toBe(false);

    expect((await stage.ask(probe)).body).toMatch(/^shop shop-blue [0-9a-f]{8}$/);
    await app('green', stage.ports.green);
    mkdirSync(join(stage.root, 'slots/green'), { recursive: true });
    writeFileSync(join(stage.root, 'slots/green/green'), '');
    symlinkSync('slots/green', join(stage.root, 'live'));
    expect((await stage.ask()).body).toBe('green');
    expect((await stage.ask(probe)).body).toMatch(/^shop shop-green /);
  });

  test('a second time nothing is changed and nothing reloaded; what is wrong is written again', async () => {
    expect((await setup()).code).toBe(0);
    const [files, pids] = [snapshot(conf()), workers()];
    const inodes = managed().map((file) => statSync(file).ino);
    const again = await setup();
    expect(again.code).toBe(0);
    expect(again.log).toContain('set up already, and nginx answers so: nothing was changed');
    expect(again.log).toContain(`nginx is set up already to follow ${stage.root}/live: no file was changed.`);
    expect(snapshot(conf())).toEqual(files);
    expect(managed().map((file) => statSync(file).ino)).toEqual(inodes);
    expect(workers()).toBe(pids);

    // Files that are right, in an nginx that does not run by them: only the reload is made up for.
    const right = stage.nginx.read();
    stage.nginx.write(right.replace('include bluegreen/shop-server.conf;', '').replaceAll('http://$bluegreen_shop', 'http://shop'));
    await reload();
    stage.nginx.write(right);
    const late = await setup();
    expect(late.code).toBe(0);
    expect(late.log).toContain('reloaded once');
    expect((await stage.ask(probe)).body).toMatch(/^shop shop-blue /);
    expect(snapshot(conf())).toEqual(files);

    // Somebody's hand in a file, and one that anybody may write.
    const [http = '', server = ''] = managed();
    writeFileSync(http, readFileSync(http, 'utf8').replace('keepalive 32', 'keepalive 64'));
    chmodSync(server, 0o666);
    expect((await setup()).code).toBe(0);
    expect(snapshot(conf())).toEqual(files);
    expect(workers()).not.toBe(pids);
  });

  test('with a release that is live nginx goes on to it', async () => {
    apps[0]?.close();
    const sha = stage.repo.commit({ version: 'one' });
    expect((await stage.deploy(sha)).code).toBe(0);
    expect(stage.live()).toBe('green');
    const before = snapshot(stage.root);
    const run = await setup();
    expect(run.log).toContain('nginx uses green in each server block');
    expect(run.code).toBe(0);
    expect((await stage.ask()).body).toBe('one');
    expect((await stage.ask(probe)).body).toMatch(/^shop shop-green /);
    // Nothing of the app's was touched.
    expect(snapshot(stage.root)).toEqual(before);
  });

  describe('what goes wrong is put back, byte for byte', () => {
    let files: Record<string, string>;
    const asBefore = async () => {
      expect(snapshot(conf())).toEqual(files);
      expect((await stage.ask()).body).toBe('blue');
      expect((await stage.ask(probe)).body).toBe('blue');
    };
    beforeEach(() => {
      files = snapshot(conf());
    });

    test('nginx -t refuses: another site is broken since the survey', async () => {
      const pids = workers();
      const run = await setup(meddling('-t', `printf 'nonsense;' > '${inConf('bluegreen/shop-http.conf')}'`));
      expect(run.code).toBe(1);
      expect(run.log).toContain('nginx refuses the configuration with the new lines (nginx -t); all was put back');
      expect(run.log).toContain('nginx: [emerg] unknown directive "nonsense"');
      await asBefore();
      expect(workers()).toBe(pids);
    });

    test('the reload is not taken', async () => {
      const run = await setup({ ...meddling('reload', '', 'exit 0'), 'switch-timeout': '1s' });
      expect(run.code).toBe(1);
      expect(run.log).toContain('nginx did not take the new configuration (no new workers)');
      await asBefore();
    });

    test('a server block answers the question itself', async () => {
      stage.nginx.write(stage.nginx.read().replace('location /', 'if ($request_uri ~ ^/.blue) { return 301 /; }\n    location /'));
      await reload();
      files = snapshot(conf());
      const pids = workers();
      const run = await setup();
      expect(run.code).toBe(1);
      const line = stage.nginx.read().split('\n').findIndex((text) => text.includes('server {')) + 1;
      expect(run.log).toMatch(new RegExp(`the server block at ${stage.nginx.file}:${line + 1} does not tell which slot nginx uses: \\S+${probe} answered .*301`));
      expect(run.log).toContain('; all was put back');
      expect(snapshot(conf())).toEqual(files);
      // What was put back runs as well.
      await until(() => workers() !== pids, 'another reload');
      expect((await stage.ask()).body).toBe('blue');
    });

    test('a file that is changed between survey and setup is not overwritten', async () => {
      const run = await setup(meddling('-T', `/usr/sbin/nginx "$@"; printf '# mine\\n' >> '${stage.nginx.file}'`, 'exit 0'));
      expect(run.code).toBe(1);
      expect(run.log).toContain(`nginx's file ${stage.nginx.file} was changed since the survey: nothing was written`);
      expect(stage.nginx.read().endsWith('# mine\n')).toBe(true);
      stage.nginx.write(stage.nginx.read().replace('# mine\n', ''));
      await asBefore();
    });

    test('the step is ended, as by its time limit', async () => {
      const { child, group } = await held();
      process.kill(-group, 'SIGTERM');
      const run = await child;
      expect(run.code).toBe(1);
      expect(run.log).toContain('setup was ended before it was done; all was put back');
      await asBefore();
    });
  });

  test('a configuration that cannot be changed safely is refused with file, line and mend', async () => {
    stage.nginx.write(stage.nginx.read().replace('location /', 'location /app/ { proxy_pass http://shop/; }\n    location = /y { proxy_pass http://127.0.0.1:PORT/; }\n    location /'.replace('PORT', String(stage.ports.green))));
    const files = snapshot(conf());
    const run = await setup();
    expect(run.code).toBe(1);
    const line = (text: string) => stage.nginx.read().split('\n').findIndex((one) => one.includes(text)) + 1;
    expect(run.log).toContain(`${stage.nginx.file}:${line('/app/')}: proxy_pass http://shop…: what follows the name would be asked for whatever the visitor's path`);
    expect(run.log).toContain(`${stage.nginx.file}:${line('/app/')}: Write \`rewrite ^/app/(.*)$ /$1 break;\` and after it \`proxy_pass http://shop;\``);
    expect(run.log).toContain(`${stage.nginx.file}:${line('= /y')}: proxy_pass http://127.0.0.1:${stage.ports.green}… goes straight to a slot's port`);
    expect(run.log).toContain('shop: setup failed at survey; nothing was changed');
    expect(snapshot(conf())).toEqual(files);
  });

  test('an upstream that leads elsewhere than to the slot that would be led to is refused', async () => {
    const to = (lines: string) => stage.nginx.write(stage.nginx.read().replace(/upstream shop \{[^}]*\}/, `upstream shop {\n${lines}\n}`));
    const { blue, green } = stage.ports;
    to(`server 127.0.0.1:${green};`);
    const swap = await setup();
    expect(swap.log).toContain('sends requests to the green slot; without a release that is live, setup leads them to blue');
    expect(swap.log).toContain(`Set ports: ${green},${blue}`);
    to(`server 127.0.0.1:${blue}; server 127.0.0.1:${green};`);
    expect((await setup()).log).toContain('sends requests to both slots');
    to('server 127.0.0.1:1;');
    expect((await setup()).log).toContain(`has no server line with port ${blue} or ${green}`);
    to(`server 127.0.0.1:${blue};\nserver 10.0.0.1:80;`);
    expect((await setup()).log).toContain("server 10.0.0.1:80: after setup only the app's two slots would get requests");
    // Live is green, nginx leads to blue.
    to(`server 127.0.0.1:${blue};`);
    mkdirSync(join(stage.root, 'slots/green'), { recursive: true });
    symlinkSync('slots/green', join(stage.root, 'live'));
    expect((await setup()).log).toContain('sends requests to the blue slot, but the live slot is green');
    expect(existsSync(inConf('bluegreen'))).toBe(false);
  });
});

describe('other sites', () => {
  const pass = 'location / { proxy_pass http://shop; proxy_set_header Host $host; }';

  test('several server blocks in several files, one of them behind a link, TLS, and a file that two share', async () => {
    stage = await startStage();
    await app('blue', stage.ports.blue);
    const { site, green: other } = stage.ports;
    const [tls, plain] = [other + 1, other + 2];
    for (const name of ['sites-available', 'sites-enabled', 'tls']) mkdirSync(inConf(name));
    const cert = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=shop.example.com', '-keyout', inConf('tls/key'), '-out', inConf('tls/cert')]);
    expect(cert.status).toBe(0);
    const available = inConf('sites-available/shop');
    writeFileSync(
      available,
      `# Visitors without TLS.\nserver { listen 127.0.0.1:${site}; server_name shop.example.com; return 301 https://$host$request_uri; }\n\nserver {\n\tlisten 127.0.0.1:${tls} ssl;\n\tserver_name shop.example.com;\n\tssl_certificate tls/cert;\n\tssl_certificate_key tls/key;\n\tinclude common.conf;\n}\n`,
      { mode: 0o600 },
    );
    if (asRoot) chownSync(available, 1, 1);
    symlinkSync('../sites-available/shop', inConf('sites-enabled/shop'));
    writeFileSync(inConf('sites-enabled/admin'), `server { listen 127.0.0.1:${plain}; server_name admin.example.com; include common.conf; }\n`);
    writeFileSync(inConf('sites-enabled/other'), `server {\n  listen 127.0.0.1:${plain};\n  server_name other.example.com;\n  location / { return 204; }\n}\n`);
    writeFileSync(inConf('common.conf'), `${pass}\n`);
    stage.nginx.write(stage.nginx.read().replace(/ {2}server \{[\s\S]*\n {2}\}\n/, '  include sites-enabled/*;\n'));
    await reload();
    const files = snapshot(conf());

    const run = await setup();
    expect(run.log).toContain('nginx uses blue in each server block');
    expect(run.code).toBe(0);
    const changed = snapshot(conf());
    const differs = Object.keys(changed).filter((path) => changed[path] !== files[path]).map((path) => path.slice(conf().length + 1)).sort();
    expect(differs).toEqual(['bluegreen', 'bluegreen/shop-http.conf', 'bluegreen/shop-server.conf', 'common.conf', 'sites-available/shop', 'sites-enabled/admin']);
    expect(readlinkSync(inConf('sites-enabled/shop'))).toBe('../sites-available/shop');
    expect(statSync(available).mode & 0o777).toBe(0o600);
    if (asRoot) expect(statSync(available)).toMatchObject({ uid: 1, gid: 1 });
    expect(readFileSync(available, 'utf8')).toContain('\n\nserver {\n\tinclude bluegreen/shop-server.conf;\n\tlisten');
    expect(readFileSync(inConf('sites-enabled/admin'), 'utf8')).toContain('include bluegreen/shop-http.conf;\nserver { include bluegreen/shop-server.conf; listen');
    expect(readFileSync(inConf('common.conf'), 'utf8')).toBe(`${pass.replace('http://shop', 'http://$bluegreen_shop')}\n`);

    // Both are asked before setup calls it well, the one with TLS too.
    const probes = [`https://127.0.0.1:${tls}`, `http://127.0.0.1:${plain}`].map((base, at) =>
      spawnSync('curl', ['-sk', '-H', `Host: ${['shop', 'admin'][at]}.example.com`, `${base}${probe}`], { encoding: 'utf8' }).stdout.trim(),
    );
    expect(probes).toEqual([expect.stringMatching(/^shop shop-blue /), expect.stringMatching(/^shop shop-blue /)]);
    expect((await setup()).log).toContain('nothing was changed');
  });

  test('an app on a socket: the upstream becomes the link', async () => {
    stage = await startStage({ config: ({ site, green }) => siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${green};\n    keepalive 4;` }) });
    await app('by port', stage.ports.green);
    mkdirSync(join(stage.root, 'slots/green'), { recursive: true });
    symlinkSync('slots/green', join(stage.root, 'live'));
    const before = stage.nginx.read();
    const run = await setup({ listen: 'socket' });
    expect(run.code).toBe(0);
    expect(run.log).toContain(`keepalive 4: the upstream in ${inConf('bluegreen/shop-http.conf')} does not have this`);
    expect(stage.nginx.read()).toBe(before.replace(/upstream shop \{[^}]*\}/, 'include bluegreen/shop-http.conf;'));
    // A release from before goes on serving by its port; the next one has a socket.
    expect((await stage.ask()).body).toBe('by port');
    await app('by socket', join(stage.root, 'slots/green/app.sock'));
    expect((await stage.ask()).body).toBe('by socket');
    const pids = workers();
    expect((await setup({ listen: 'socket' })).log).toContain('nothing was changed');
    expect(workers()).toBe(pids);

    // And back to ports: the one that is live has to listen on one.
    const lost = await setup();
    expect(lost.log).toContain(`the file ${stage.root}/slots/green/green is not there; all was put back`);
    writeFileSync(join(stage.root, 'slots/green/green'), '');
    const back = await setup();
    expect(back.code).toBe(0);
    expect((await stage.ask()).body).toBe('by port');
    expect((await stage.ask(probe)).body).toMatch(/^shop shop-green /);
    expect((await setup({ listen: 'socket' })).code).toBe(0);
    expect((await stage.ask()).body).toBe('by socket');
    expect(stage.nginx.read()).not.toContain('bluegreen/shop-server.conf');
  });

  needsRoot('workers that may not search the path: the folder is named, and all is put back', async () => {
    stage = await startStage({ config: ({ site, green }) => siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${green};` }) });
    await app('green', stage.ports.green);
    mkdirSync(join(stage.root, 'slots/green'), { recursive: true });
    writeFileSync(join(stage.root, 'slots/green/green'), '');
    symlinkSync('slots/green', join(stage.root, 'live'));
    // nginx's files for anybody to enter, the app's not.
    chmodSync(stage.dir, 0o755);
    chmodSync(dirname(stage.root), 0o750);
    await stage.nginx.stop();
    const group = spawnSync('id', ['-gn', 'nobody'], { encoding: 'utf8' }).stdout.trim();
    const nginx = await startNginx({ dir: join(stage.dir, 'nginx'), config: stage.nginx.read().replace(/^user .*;\n/, ''), user: `nobody ${group}` });
    try {
      const files = snapshot(conf());
      const run = await setup();
      expect(run.code).toBe(1);
      expect(run.log).toContain(`nginx does not see that the live slot is green`);
      expect(run.log).toContain(`its workers (user nobody) may not search ${dirname(stage.root)}; all was put back`);
      const mend = /chmod o\+x \S+/.exec(run.log)?.[0] ?? '';
      expect(snapshot(conf())).toEqual(files);
      expect((await stage.ask()).body).toBe('green');
      expect(spawnSync('sh', ['-c', mend]).status).toBe(0);
      const again = await setup();
      expect(again.log).toContain('nginx uses green in each server block');
      expect(again.code).toBe(0);
      expect((await stage.ask()).body).toBe('green');
    } finally {
      await nginx.stop();
    }
  });

  test('a setup that is killed leaves nginx as it was, and the next one ends it', async () => {
    stage = await startStage();
    await app('blue', stage.ports.blue);
    const { child, group } = await held();
    process.kill(-group, 'SIGKILL');
    const run = await child;
    expect(run.code).toBe(1);
    expect((await stage.ask()).body).toBe('blue');
    expect(readdirSync(inConf('bluegreen')).some((name) => name.startsWith('.'))).toBe(true);
    expect((await setup()).code).toBe(0);
    expect((await stage.ask(probe)).body).toMatch(/^shop shop-blue /);
    expect([...readdirSync(conf()), ...readdirSync(inConf('bluegreen'))].filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

const sudo = existsSync('/usr/bin/sudo') && existsSync('/etc/sudoers.d');
// Names of this process alone, so that nothing of the machine's own is touched.
const user = `bgs${process.pid}`;
const sudoers = `/etc/sudoers.d/bluegreen-setup-${process.pid}`;

if (!asRoot || !sudo) test.skip('NOT RUN: setup by another user than root needs root, who makes one, and the package sudo', () => {});
else describe('another user than root', () => {
  const removeAll = () => {
    rmSync(sudoers, { force: true });
    spawnSync('userdel', ['-r', '-f', user]);
  };
  beforeAll(() => {
    process.once('exit', removeAll);
    // A password that no one has: without one, sshd takes the user for locked.
    expect(spawnSync('useradd', ['-m', '-s', '/bin/bash', '-p', '*', user]).status).toBe(0);
  });
  afterAll(() => {
    process.removeListener('exit', removeAll);
    removeAll();
  });

  test('is shown what to do; done as root it works, and setup says so', async () => {
    stage = await startStage({ sshd: { user } });
    await app('blue', stage.ports.blue);
    for (const path of [stage.dir, join(stage.dir, 'nginx'), join(stage.dir, 'nginx/logs')]) chmodSync(path, 0o755);
    const { command } = stage.nginx;
    writeFileSync(sudoers, `${user} ALL=(root) NOPASSWD: ${command} -T, ${command} -t, ${command} -s reload\n`, { mode: 0o440 });
    const asUser = () => setup({ 'nginx-command': `sudo -n ${command}` });
    const [files, pids] = [snapshot(conf()), workers()];
    const run = await asUser();
    expect(run.code).toBe(0);
    expect(run.log).toContain('nothing was changed, since only root may');
    expect(snapshot(conf())).toEqual(files);
    expect(workers()).toBe(pids);

    const text = /\nAs root, on the host:\n([\s\S]*?)\nRun setup again after it/.exec(run.log)?.[1] ?? '';
    const [write = '', edits = ''] = text.split(/\nChange these lines\..*\n/);
    const [changes = '', activate = ''] = edits.split('\nThen:\n');
    expect(spawnSync('sh', ['-c', `umask 077\n${write}`], { encoding: 'utf8' }).stderr).toBe('');
    apply(changes);
    // Files that are right, but not loaded yet.
    const late = await asUser();
    expect(late.code).toBe(0);
    expect(late.log).toContain(`what runs is not by them`);
    expect(late.log).toContain(`As root: ${command} -t && ${command} -s reload`);
    expect(spawnSync('sh', ['-c', activate], { encoding: 'utf8' }).status).toBe(0);
    await until(async () => (await stage.ask(probe)).body.startsWith('shop shop-blue '), 'nginx follows');
    const again = await asUser();
    expect(again.code).toBe(0);
    expect(again.log).toContain('set up already, and nginx answers so: nothing was changed');
  });
});

/** Makes the changes that are shown, from the last to the first, as a person would. */
function apply(text: string): void {
  const changes = [...text.matchAll(/^(\/\S+):(\d+)(?: \((.*)\))?\n(?: {2}- (.*)\n)?(?: {2}\+ (.*)(?:\n|$))?/gm)].map(([, file = '', line, where, remove, add]) => ({ file, line: Number(line), where, remove, add }));
  expect(changes).toHaveLength(4);
  for (const { file, line, where = '', remove, add = '' } of changes.reverse()) {
    const lines = readFileSync(file, 'utf8').split('\n');
    const there = lines[line - 1] ?? '';
    const indent = /^\s*/.exec(there)?.[0] ?? '';
    if (remove) {
      expect(there).toContain(remove);
      lines[line - 1] = there.replace(remove, () => add);
    } else if (where === 'before this line') lines.splice(line - 1, 0, `${indent}${add}`);
    else {
      expect(where).toBe('as the first line of the server block');
      lines.splice(line, 0, `${/^\s*/.exec(lines[line] ?? '')?.[0]}${add}`);
    }
    writeFileSync(file, lines.join('\n'));
  }
}
