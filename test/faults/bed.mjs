// One place to break things in: a host with an app that is live, visitors who never stop, and points at which the agent is held.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../testbed/nginx.mjs';
import { until } from '../../testbed/processes.mjs';
import { startProxy } from '../../testbed/proxy.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { sessionProcesses } from './sessions.mjs';
import { startVisitors } from './visitors.mjs';

/** How large the small disk is: room for what a deploy wants to begin with, and some more. */
const DISK = '72m';

/** @typedef {Awaited<ReturnType<typeof startBed>>} Bed */

/**
 * @param {'reload' | 'instant' | 'disk' | 'two'} kind how nginx switches; `disk`: by a reload, with the root on a small disk of its own (only root can make
 *   one); `two`: by a reload, with a second app in the same file of the same nginx
 */
export async function startBed(kind) {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-faults-')));
  const undo = [() => rmSync(dir, { recursive: true, force: true })];
  try {
    for (const name of ['bin', 'points', 'extra']) mkdirSync(join(dir, name));
    program(join(dir, 'bin', 'date'), `[ ! -e ${dir}/clock-back ] || exec /bin/date -d '400 days ago' "$@"\nexec /bin/date "$@"`);
    const stage = await startStage({ instant: kind === 'instant', env: { PATH: `${join(dir, 'bin')}:${process.env.PATH}`, BLUEGREEN_BED: dir } });
    undo.unshift(() => stage.stop());
    if (kind === 'disk') {
      command('mount', '-t', 'tmpfs', '-o', `size=${DISK},mode=755`, 'bluegreen', stage.root);
      undo.unshift(() => void spawnSync('umount', ['-l', stage.root]));
    }
    undo.unshift(() => endSessions(dir));
    const [otherBlue = 0, otherGreen = 0] = await freePorts(2);
    const second = kind === 'two' ? `upstream second { server 127.0.0.1:${otherBlue}; }\n  ` : '';
    stage.nginx.write(
      stage.nginx
        .read()
        .replace('access_log off;', `access_log off;\n  include ${dir}/extra/*.conf;`)
        .replace('upstream shop {', `${second}upstream shop {`)
        .replace('location / {', kind === 'two' ? 'location /second/ { proxy_pass http://second/; }\n    location / {' : 'location / {'),
    );
    stage.nginx.reload();
    const [nginx = '', ...nginxArgs] = stage.nginx.command.split(' ');
    program(join(dir, 'bin', 'nginx'), `case "$*" in *reload*) [ ! -e ${dir}/no-reload ] || exit 0 ;; esac\nexec ${nginx} "$@"`);
    const proxy = await startProxy({ target: { host: stage.sshd.host, port: stage.sshd.port } });
    undo.unshift(() => proxy.close());

    const commits = ['a', 'b', 'c', 'd'].map((version) => ({ version, sha: stage.repo.commit({ version }) }));
    const inputs = {
      host: `${stage.sshd.user}@127.0.0.1:${proxy.port}`,
      'known-hosts': stage.sshd.fingerprint,
      'nginx-command': [join(dir, 'bin', 'nginx'), ...nginxArgs].join(' '),
      'allow-older': 'true',
      'keep-releases': '2',
      'switch-timeout': '5s',
      install: hold(dir, 'install-run'),
      start: `${hold(dir, 'start-run')}exec ${process.execPath} server.mjs`,
      'before-switch': hold(dir, 'before-run'),
      'after-switch': hold(dir, 'after-run'),
    };
    let turn = 0;
    const bed = {
      kind,
      dir,
      stage,
      proxy,
      /** The next version in turn; a fresh one needs a fetch. @param {boolean} [fresh] */
      next(fresh = false) {
        turn++;
        if (!fresh) return commits[turn % commits.length];
        return { version: `fresh${turn}`, sha: stage.repo.commit({ version: `fresh${turn}` }) };
      },
      /** A deploy through the proxy. @param {string} sha @param {Record<string, string>} [more] @param {object} [options] */
      deploy: (sha, more = {}, options = {}) => stage.deploy(sha, { ...inputs, ...more }, options),
      /** The same, held at its points. */
      held: { BLUEGREEN_POINTS: join(dir, 'points') },
      /** The settings of the second app. */
      second: { app: 'second', root: join(stage.dir, 'srv', 'second'), ports: `${otherBlue},${otherGreen}`, 'nginx-upstream': 'second' },
      points: pointsIn(join(dir, 'points')),
      /** All processes of the host's sessions, the apps among them. */
      processes: () => sessionProcesses('BLUEGREEN_BED', dir),
      fill: () => fill(join(stage.root, 'filler')),
      makeRoom: () => rmSync(join(stage.root, 'filler'), { force: true }),
      startNginxAgain: () => nginxAgain(stage, undo),
      visitors: startVisitors(stage.ports.site, PAUSE_MS),
      async stop() {
        for (const act of undo.splice(0)) await act();
      },
    };
    undo.unshift(() => bed.visitors.stop());
    if (kind === 'two') mkdirSync(bed.second.root);
    for (const more of kind === 'two' ? [{}, bed.second] : [{}]) {
      const first = await bed.deploy(bed.next().sha, more);
      if (first.code !== 0) throw new Error(`the first deploy failed:\n${first.log}`);
    }
    bed.visitors.begin();
    return bed;
  } catch (error) {
    for (const act of undo.splice(0)) await act();
    throw error;
  }
}

/** Between two requests of one visitor, in milliseconds. */
const PAUSE_MS = 25;

/** Shell text that waits at a point of the user's own commands, as the agent does at its own. */
function hold(dir, name) {
  const at = join(dir, 'points', name);
  return `if [ -p ${at} ]; then echo $$ >${at}.reached.new; mv ${at}.reached.new ${at}.reached; read -r order <${at}; eval "$order"; fi\n`;
}

function pointsIn(dir) {
  const at = (name) => join(dir, name);
  return {
    /** From now on whoever comes to that point waits there. */
    hold: (name) => command('mkfifo', at(name)),
    /** Waits until somebody is there; gives its process id. @returns {Promise<number>} */
    async reached(name, meanwhile) {
      await until(() => existsSync(`${at(name)}.reached`) || meanwhile?.(), `somebody came to the point ${name}`, 60_000);
      return existsSync(`${at(name)}.reached`) ? Number(readFileSync(`${at(name)}.reached`, 'utf8')) : 0;
    },
    /** Nobody else is held there. Whoever is there goes on, and does that first. @param {string} name @param {string} [order] */
    async letGo(name, order = '') {
      const waits = await openWhenRead(at(name));
      rmSync(at(name), { force: true });
      rmSync(`${at(name)}.reached`, { force: true });
      if (waits === undefined) return;
      writeSync(waits, `${order}\n`);
      closeSync(waits);
    },
    /** Nobody is held there any more; whoever was has died. */
    forget(name) {
      rmSync(at(name), { force: true });
      rmSync(`${at(name)}.reached`, { force: true });
    },
  };
}

/** Opens a FIFO for writing once somebody reads; not at all when nobody does for a second. */
async function openWhenRead(path) {
  for (let tries = 0; tries < 50; tries++) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (error.code !== 'ENXIO') return undefined;
    }
    await sleep(20);
  }
  return undefined;
}

/** Writes until the disk is full. */
function fill(file) {
  const to = openSync(file, 'w');
  for (let size = 1024 * 1024; size >= 1; ) {
    try {
      if (writeSync(to, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(to);
}

/** What a supervisor of nginx would do when it has died. */
async function nginxAgain(stage, undo) {
  const [path = '', ...args] = stage.nginx.command.split(' ');
  // The dead one's workers are of its group, and were ended with it.
  const child = spawn(path, [...args, '-g', 'daemon off;'], { stdio: 'ignore', detached: true });
  undo.unshift(() => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  stage.nginx.pid = child.pid;
  await until(async () => (await stage.ask()).status !== 0, 'nginx answers again');
}

async function endSessions(dir) {
  for (let tries = 0; tries < 50; tries++) {
    const left = sessionProcesses('BLUEGREEN_BED', dir);
    if (!left.length) return;
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await sleep(20);
  }
}

function program(file, text) {
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}

function command(name, ...args) {
  const { status, stderr } = spawnSync(name, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`);
}
