// A private sshd on loopback for tests and the demo. Node's own modules only.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, processStat } from './processes.mjs';

const sshdPath = '/usr/sbin/sshd';
const host = '127.0.0.1';

/**
 * Makes a key pair with ssh-keygen.
 *
 * @param {string} dir an existing folder
 * @param {string} [type] ed25519, ecdsa or rsa
 * @param {string} [passphrase]
 * @param {{ bits?: number, pem?: boolean, name?: string }} [options] `pem` writes RSA and ECDSA keys in the old PEM format
 * @returns {{ type: string, keyFile: string, privateKey: string, publicKey: string, fingerprint: string }}
 */
export function newKey(dir, type = 'ed25519', passphrase = '', options = {}) {
  const keyFile = join(dir, options.name ?? `id_${type}`);
  const bits = options.bits ?? (type === 'rsa' ? 2048 : undefined);
  run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'testbed', '-f', keyFile, ...(bits ? ['-b', String(bits)] : []), ...(options.pem ? ['-m', 'PEM'] : [])]);
  return {
    type,
    keyFile,
    privateKey: readFileSync(keyFile, 'utf8'),
    publicKey: readFileSync(`${keyFile}.pub`, 'utf8').trim(),
    fingerprint: run('ssh-keygen', ['-lf', `${keyFile}.pub`]).split(' ')[1] ?? '',
  };
}

/**
 * Starts an sshd in the foreground that only the returned key opens, and waits until it answers.
 *
 * @param {object} options
 * @param {string} options.dir an existing folder of its own; nothing is written elsewhere, except /run/sshd when root lacks it
 * @param {string} [options.user] who logs in; the current user by default, and the only one possible without root
 * @param {Record<string, string>} [options.env] variables that each session gets
 * @param {string[]} [options.extraConfig] lines for sshd_config; they win over the testbed's own
 * @param {string[]} [options.keyTypes] kinds of host keys: ed25519, ecdsa, rsa
 */
export async function startSshd({ dir, user = userInfo().username, env = {}, extraConfig = [], keyTypes = ['ed25519'] }) {
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  chmodSync(dir, 0o755);
  const hostKeys = keyTypes.map((type) => newKey(dir, type, '', { name: `ssh_host_${type}_key` }));
  const key = newKey(dir, 'ed25519');
  const authorizedKeys = join(dir, 'authorized_keys');
  writeFileSync(authorizedKeys, `${key.publicKey}\n`, { mode: 0o644 });
  const config = join(dir, 'sshd_config');
  writeFileSync(config, [...extraConfig, ...ownConfig({ user, env, hostKeys, authorizedKeys }), ''].join('\n'));

  const server = await launch(config);
  const name = `[${host}]:${server.port}`;
  return {
    host,
    port: server.port,
    pid: server.pid,
    user,
    keyFile: key.keyFile,
    privateKey: key.privateKey,
    /** Fingerprint of the key that logs in. */
    keyFingerprint: key.fingerprint,
    hostKeys,
    /** Lines for known_hosts, one for each kind of host key. */
    knownHosts: hostKeys.map((hostKey) => `${name} ${hostKey.publicKey.split(' ').slice(0, 2).join(' ')}`).join('\n'),
    /** Fingerprint of the first host key. */
    fingerprint: hostKeys[0]?.fingerprint ?? '',
    /** Lets another key in. @param {string} publicKey */
    authorize: (publicKey) => appendFileSync(authorizedKeys, `${publicKey}\n`),
    log: server.log,
    stop: server.stop,
  };
}

function ownConfig({ user, env, hostKeys, authorizedKeys }) {
  const variables = Object.entries(env).map(([name, value]) => `"${name}=${value.replace(/(["\\])/g, '\\$1')}"`);
  return [
    ...hostKeys.map((hostKey) => `HostKey ${hostKey.keyFile}`),
    `AuthorizedKeysFile ${authorizedKeys}`,
    `AllowUsers ${user}`,
    'PermitRootLogin prohibit-password',
    'AuthenticationMethods publickey',
    'StrictModes no',
    `UsePAM ${locked(user) ? 'yes' : 'no'}`,
    'UseDNS no',
    'PidFile none',
    'MaxStartups 100',
    'MaxSessions 100',
    'LogLevel VERBOSE',
    ...(variables.length > 0 ? [`SetEnv ${variables.join(' ')}`] : []),
  ];
}

/** Without PAM, sshd turns away a user whose password is locked, even with a key. Only root can see that, and only root's sshd looks. */
function locked(user) {
  if (process.getuid?.() !== 0 || !existsSync('/etc/shadow')) return false;
  const line = readFileSync('/etc/shadow', 'utf8').split('\n').find((entry) => entry.startsWith(`${user}:`));
  return line?.split(':')[1]?.startsWith('!') ?? false;
}

/**
 * Starts sshd on a free port; another process may take that port first, so it is tried more than once.
 *
 * @param {string} config
 * @returns {Promise<{ port: number, pid: number, log: () => string, stop: () => Promise<void> }>}
 */
async function launch(config) {
  // OpenSSH 9.8 and later lock out an address after a few failed logins, and tests fail logins on purpose.
  const penalties = ['-o', 'PerSourcePenalties=no'];
  const extra = spawnSync(sshdPath, ['-t', '-f', config, ...penalties]).status === 0 ? penalties : [];
  let output = '';
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = await freePort();
    const child = spawn(sshdPath, ['-D', '-e', '-f', config, '-p', String(port), '-o', `ListenAddress=${host}`, ...extra], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.once('error', (error) => { output += `${error.message}\n`; });
    child.stderr.setEncoding('utf8').on('data', (text) => { output += text; });
    const pid = child.pid;
    if (pid && (await answers(port, child))) {
      const atExit = () => endSync(pid);
      process.once('exit', atExit);
      let stopped;
      return {
        port,
        pid,
        log: () => output,
        stop: () => {
          process.removeListener('exit', atExit);
          return (stopped ??= stopTree(pid, child, exited));
        },
      };
    }
    if (pid) endSync(pid);
  }
  throw new Error(`sshd did not start:\n${output}`);
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, host, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answers(port, child) {
  for (let waited = 0; waited < 10_000 && child.exitCode === null && child.signalCode === null; waited += 20) {
    if (await greets(port)) return true;
    await sleep(20);
  }
  return false;
}

function greets(port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(2000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.once('data', (data) => done(data.toString().startsWith('SSH-')));
  });
}

/** All processes below one, its sessions and what runs in them, found by parent. */
function descendants(root) {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = processStat(entry)?.parent;
    if (parent) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [];
  for (const queue = [root]; queue.length > 0;) {
    const below = children.get(queue.shift()) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}

/** Ends the listener first, so that nothing new begins, then what it had started. */
async function stopTree(pid, child, exited) {
  const below = descendants(pid);
  if (child.exitCode === null && child.signalCode === null) signal(pid, 'SIGTERM');
  const gone = await Promise.race([exited.then(() => true), sleep(2000, false, { ref: false })]);
  if (!gone) signal(pid, 'SIGKILL');
  const all = [...new Set([...below, ...below.flatMap(descendants)])];
  for (const one of all) signal(one, 'SIGTERM');
  for (let waited = 0; waited < 1000 && all.some(isAlive); waited += 20) await sleep(20);
  for (const one of all.filter(isAlive)) signal(one, 'SIGKILL');
  child.stderr.destroy();
}

function endSync(pid) {
  for (const one of [pid, ...descendants(pid)]) signal(one, 'SIGKILL');
}

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} failed: ${result.error?.message ?? result.stderr}`);
  return result.stdout;
}
