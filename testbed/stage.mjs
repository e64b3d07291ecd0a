// One host on loopback: a private sshd, a private nginx, a repository, an app's root. All of it goes with stop().
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { instantFiles } from './instant.mjs';
import { freePorts, instantConfig, siteConfig, startNginx } from './nginx.mjs';
import { processStat } from './processes.mjs';
import { makeRepo } from './repo.mjs';
import { runAction } from './runner.mjs';
import { startSshd } from './sshd.mjs';

/**
 * @param {object} [options]
 * @param {string} [options.app]
 * @param {string} [options.folder] the name of the root's folder, by default that of the app
 * @param {(ports: { site: number, blue: number, green: number }) => string} [options.config] the nginx configuration
 * @param {boolean | 'socket'} [options.instant] nginx set up for `switch: instant`, for ports or sockets, which the inputs then ask for
 * @param {Record<string, string>} [options.env] variables of each session on the host
 * @param {object} [options.sshd] more options for the sshd
 * @param {string} [options.nginxAs] the user of nginx's master
 */
export async function startStage({ app = 'shop', folder: name = app, config, instant = false, env = {}, sshd: sshdOptions = {}, nginxAs = '' } = {}) {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-stage-')));
  const undo = [() => rmSync(dir, { recursive: true, force: true })];
  const folder = (name) => {
    mkdirSync(join(dir, name));
    return join(dir, name);
  };
  try {
    const [site = 0, blue = 0, green = 0] = await freePorts(3);
    const ports = { site, blue, green };
    const root = join(dir, 'srv', name);
    mkdirSync(root, { recursive: true });
    undo.unshift(() => endApps(root));
    const listen = instant === 'socket' ? 'socket' : 'port';
    const setUp = instant ? instantFiles({ app, root, ports: [blue, green], listen }) : undefined;
    const usual = () => (setUp ? instantConfig({ port: site, app, instant: setUp }) : siteConfig({ port: site, app, server: `server 127.0.0.1:${blue};` }));
    if (nginxAs) chmodSync(dir, 0o755);
    const nginx = await startNginx({ dir: folder('nginx'), as: nginxAs, config: config?.(ports) ?? usual(), files: setUp?.files });
    undo.unshift(() => nginx.stop());
    // A home of its own: what stands in the profile of whoever runs this is slow, or waits for others that run it.
    const home = sshdOptions.user ? {} : { HOME: folder('home') };
    const sshd = await startSshd({ dir: folder('ssh'), env: { ...home, ...env }, ...sshdOptions });
    undo.unshift(() => sshd.stop());
    const repo = makeRepo(folder('repo'));
    const inputs = {
      host: `${sshd.user}@${sshd.host}:${sshd.port}`,
      'private-key': sshd.privateKey,
      'known-hosts': sshd.knownHosts,
      app,
      root,
      repository: repo.url,
      ports: `${blue},${green}`,
      start: `exec ${process.execPath} server.mjs`,
      'health-path': '/healthz',
      'nginx-command': nginx.command,
      'stop-timeout': '3s',
      'drain-timeout': '5s',
      ...(setUp && { switch: 'instant', listen }),
    };
    return {
      dir,
      root,
      ports,
      nginx,
      sshd,
      repo,
      inputs,
      /** Deploys a commit with the built bundle. Inputs given win over the stage's own. */
      deploy: (sha, more = {}, options = {}) => runAction({ ...inputs, ref: sha, ...more }, withSha(sha, options)),
      rollback: (more = {}, options = {}) => runAction({ ...inputs, command: 'rollback', ...more }, withSha('', options)),
      /** What the site answers through nginx. */
      ask: (path = '/') => ask(site, path),
      /** What an app's own port answers; status 0 when nobody does. */
      askPort: (port, path = '/') => ask(port, path),
      live: () => (existsSync(join(root, 'live')) ? basename(readlinkSync(join(root, 'live'))) : ''),
      pid: (slot) => slotPid(root, slot),
      /** @returns {{ command: string, release: string, sha: string, outcome: string, live: string, liveRelease: string, actor: string, steps: { name: string, status: string, ms: number }[] }[]} */
      ledger: () => readLines(join(root, 'ledger.ndjson')).map((line) => JSON.parse(line)),
      async stop() {
        for (const act of undo.splice(0)) await act();
      },
    };
  } catch (error) {
    for (const act of undo.splice(0)) await act();
    throw error;
  }
}

const withSha = (sha, options) => ({ ...options, env: { GITHUB_SHA: sha || '0'.repeat(40), ...options.env } });

/** @param {number} port @param {string} path @returns {Promise<{ status: number, body: string }>} */
function ask(port, path) {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, headers: { host: 'shop.example.com' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, body: body.trim() }));
    });
    request.setTimeout(10_000, () => request.destroy());
    request.on('error', () => resolve({ status: 0, body: '' }));
  });
}

function slotPid(root, slot) {
  const [pid] = readLines(join(root, 'slots', slot, 'pid')).join('').split(' ');
  return pid ? Number(pid) : 0;
}

function readLines(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

/** The apps that were started, by the ids that are written down; a pid that is somebody else's by now is not touched. */
function endApps(root) {
  for (const slot of ['blue', 'green']) {
    const pid = slotPid(root, slot);
    if (!pid) continue;
    const [, started] = readLines(join(root, 'slots', slot, 'pid')).join('').split(' ');
    if (processStat(pid)?.started !== started) continue;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}
