// A private nginx on loopback for tests and the demo. Node's own modules only.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const nginxPath = '/usr/sbin/nginx';

/**
 * Free ports of 127.0.0.1, below the range that the kernel gives to outgoing connections: one of those could take the port.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const found = new Set();
  while (found.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * The usual configuration: one site that leads to one upstream.
 *
 * @param {{ port: number, app: string, server: string, site?: string, http?: string }} options `server`: the upstream's lines
 */
export function siteConfig({ port, app, server, site = '', http = '' }) {
  const upstream = `# The app: bluegreen changes the port in here, nothing else.
  upstream ${app} {
    ${server}
  }`;
  return mainConfig({ port, app, http: `${http}\n  ${upstream}`, site: site || siteLocations(`http://${app}`) });
}

/**
 * The same site, set up for `switch: instant`.
 *
 * @param {{ port: number, app: string, instant: { http: string, server: string, proxyPass: string }, http?: string }} options `instant`: of instantFiles()
 */
export function instantConfig({ port, app, instant, http = '' }) {
  return mainConfig({ port, app, http: `${http}\n  ${instant.http}`, site: `${instant.server}\n    ${siteLocations(instant.proxyPass)}` });
}

/** What the app gets: everything, and WebSockets at a place of their own. */
function siteLocations(proxyPass) {
  return `location / { proxy_pass ${proxyPass}; proxy_set_header Host $host; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /ws { proxy_pass ${proxyPass}; proxy_set_header Host $host; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }`;
}

function mainConfig({ port, app, http, site }) {
  return `worker_processes 2;
error_log logs/error.log notice;
pid nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path temp/body; proxy_temp_path temp/proxy; fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi; scgi_temp_path temp/scgi;
  ${http}
  server {
    listen 127.0.0.1:${port};
    server_name ${app}.example.com;
    ${site}
  }
}
`;
}

/**
 * Starts an nginx in the foreground with a configuration of its own, and waits until its master answers.
 *
 * @param {{ dir: string, config: string, files?: Record<string, string>, user?: string, as?: string }} options `dir`: an existing folder of its own; `files`: more
 *   files, by their paths relative to that of nginx.conf; `user`: who the workers of a root's nginx are; `as`: the user of its master (and workers), who
 *   has to be able to enter that folder (root's testbed only)
 */
export async function startNginx({ dir, config, files = {}, user = 'root', as = '' }) {
  for (const name of ['logs', 'temp', 'conf']) mkdirSync(join(dir, name), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, 'conf', path)), { recursive: true });
    writeFileSync(join(dir, 'conf', path), text);
  }
  const file = join(dir, 'conf', 'nginx.conf');
  const group = as && spawnSync('id', ['-gn', as], { encoding: 'utf8' }).stdout.trim();
  // Workers of a root's nginx drop to nobody, who cannot enter a temporary folder; here all stays with who runs it.
  writeFileSync(file, `${process.getuid?.() === 0 ? `user ${as ? `${as} ${group}` : user};\n` : ''}${config}`);
  const args = ['-p', `${dir}/`, '-e', join(dir, 'logs', 'error.log'), '-c', file];
  const tested = spawnSync(nginxPath, [...args, '-t'], { encoding: 'utf8' });
  if (tested.status !== 0) throw new Error(`nginx refuses the testbed's configuration:\n${tested.stderr ?? tested.error}`);
  if (as) spawnSync('chown', ['-R', `${as}:${group}`, dir]);
  const before = as ? ['setpriv', `--reuid=${as}`, `--regid=${group}`, '--clear-groups', '--'] : [];
  const [program = nginxPath, ...rest] = [...before, nginxPath, ...args, '-g', 'daemon off;'];
  const child = spawn(program, rest, { stdio: 'ignore', detached: true });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const atExit = () => end(child.pid, 'SIGKILL');
  process.once('exit', atExit);
  const pidFile = join(dir, 'nginx.pid');
  for (let waited = 0; !existsSync(pidFile) || !readFileSync(pidFile, 'utf8').trim(); waited += 10) {
    if (waited > 10_000 || child.exitCode !== null) throw new Error(`nginx did not start:\n${readFileSync(join(dir, 'logs', 'error.log'), 'utf8')}`);
    await sleep(10);
  }
  return {
    /** What the setting nginx-command has to be. */
    command: [nginxPath, ...args].join(' '),
    pid: child.pid,
    file,
    read: () => readFileSync(file, 'utf8'),
    write: (text) => writeFileSync(file, text),
    errors: () => readFileSync(join(dir, 'logs', 'error.log'), 'utf8'),
    reload: () => spawnSync(nginxPath, [...args, '-s', 'reload']),
    async stop() {
      process.removeListener('exit', atExit);
      end(child.pid, 'SIGTERM');
      await Promise.race([exited, sleep(3000, undefined, { ref: false })]);
      end(child.pid, 'SIGKILL');
    },
  };
}

/** The whole group, which is nginx's own: its workers too. */
function end(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended meanwhile.
  }
}
