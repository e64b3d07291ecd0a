// What dies, is cut or breaks while a deploy is held at a point. Each gives what to undo before the next deploy, where that is somebody else's to mend.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isAlive, until } from '../../testbed/processes.mjs';
import { holderOf } from './sessions.mjs';

/**
 * @typedef {object} Scene
 * @property {import('./bed.mjs').Bed} bed
 * @property {string} root of the app that is deployed
 * @property {import('node:child_process').ChildProcess} child the action
 * @property {string} point
 * @property {number} pid of who is held there; 0 where nobody is
 * @property {boolean} final from the switch on a run finishes: who is held there has to be let go
 * @property {{ pid: number }[]} before the processes that were there before the deploy
 * @property {() => boolean} ended whether the action has ended
 */

const kill = (pid, signal = 'SIGKILL') => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
};

/** The host has noticed: it is marked in the agent's own folder. */
export async function noticed({ root, ended }) {
  const runs = join(root, 'run');
  const marked = () => existsSync(runs) && readdirSync(runs).some((name) => existsSync(join(runs, name, 'aborted')));
  await until(() => marked() || ended(), 'the host has noticed', 30_000);
}

const agentOf = (bed, root) => holderOf(bed.processes(), join(root, 'lock'));

function killAgent(bed, root) {
  const agent = agentOf(bed, root);
  if (!agent) throw new Error('nobody holds the lock');
  kill(agent.pid);
}

/** A step before the switch is ended by the agent itself, in the middle of what it does. */
async function goOnIfFinal(scene) {
  await noticed(scene);
  if (scene.final) await scene.bed.points.letGo(scene.point);
  else scene.bed.points.forget(scene.point);
}

const signalToAction = (signal) => async (scene) => {
  scene.child.kill(signal);
  await goOnIfFinal(scene);
};

/** Who does not answer any more, as after a reboot without it. */
const letGoWith = (order) => ({ bed, point }) => bed.points.letGo(point, order);

/** A process and all below it, by their ids. */
function descendants(processes, pid) {
  const found = processes.filter((one) => one.pid === pid).map((one) => one.pid);
  for (const one of found) found.push(...processes.filter(({ parent }) => parent === one).map((child) => child.pid));
  return found;
}

/** The new release's app: the newest of the slots' processes. */
function newApp({ root, before }) {
  const known = new Set(before.map(({ pid }) => pid));
  return ['blue', 'green'].map((slot) => Number(slotPid(root, slot))).find((pid) => pid > 0 && !known.has(pid) && isAlive(pid));
}

function slotPid(root, slot) {
  const file = join(root, 'slots', slot, 'pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ')[0] : '0';
}

/** @type {Record<string, { title: string, act(scene: Scene): Promise<void>, mend?(scene: Scene): Promise<void> }>} */
export const deaths = {
  sigint: { title: 'SIGINT to the action (cancelled)', act: signalToAction('SIGINT') },
  sigterm: { title: 'SIGTERM to the action', act: signalToAction('SIGTERM') },
  sigkill: { title: 'SIGKILL to the action', act: signalToAction('SIGKILL') },
  cut: {
    title: 'the line is cut',
    async act(scene) {
      scene.bed.proxy.cut();
      await goOnIfFinal(scene);
    },
  },
  frozen: {
    title: 'the line freezes',
    async act(scene) {
      scene.bed.proxy.freezeOpen();
      await goOnIfFinal(scene);
    },
  },
  agent: {
    title: 'SIGKILL to the agent',
    async act({ bed, root, point }) {
      killAgent(bed, root);
      // Its step hangs where it is: to end it is the next run's doing.
      bed.points.forget(point);
    },
  },
  orphan: {
    title: 'SIGKILL to the agent, while its step goes on',
    async act({ bed, root, point }) {
      killAgent(bed, root);
      await bed.points.letGo(point);
    },
  },
  all: {
    title: 'SIGKILL to the agent and all that it started',
    async act({ bed, point, before, root, spare }) {
      const agent = agentOf(bed, root)?.pid;
      const app = newApp({ root, before });
      for (const pid of descendants(bed.processes(), agent)) kill(pid);
      if (app && !spare) process.kill(-app, 'SIGKILL');
      bed.points.forget(point);
    },
  },
  app: {
    title: 'the new app crashes',
    async act(scene) {
      const app = newApp(scene);
      if (!app) throw new Error('no new app runs at this point');
      process.kill(-app, 'SIGKILL');
      await until(() => !isAlive(app), 'the app has ended');
      await scene.bed.points.letGo(scene.point);
    },
  },
  status: { title: 'the command fails by status', act: letGoWith('exit 7') },
  signal: { title: 'the command is killed by a signal', act: letGoWith('kill -KILL $$') },
  limit: {
    title: 'the command runs into its time limit',
    async act({ bed, point, pid }) {
      await until(() => !isAlive(pid), 'the limit ended it', 60_000);
      bed.points.forget(point);
    },
  },
  disk: {
    title: 'the disk is full',
    async act({ bed, point }) {
      bed.fill();
      await bed.points.letGo(point);
    },
  },
  'nginx-dead': {
    title: 'nginx is dead',
    async act({ bed, point }) {
      process.kill(-bed.stage.nginx.pid, 'SIGKILL');
      await until(() => !isAlive(bed.stage.nginx.pid), 'nginx has ended');
      await bed.points.letGo(point);
    },
    mend: ({ bed }) => bed.startNginxAgain(),
  },
  'nginx-refuses': {
    title: "nginx refuses its files (another site's is broken)",
    async act({ bed, point }) {
      writeFileSync(join(bed.dir, 'extra', 'broken.conf'), 'server { listen 127.0.0.1:1; no_such_directive on; }\n');
      await bed.points.letGo(point);
    },
    mend: async ({ bed }) => rmSync(join(bed.dir, 'extra', 'broken.conf')),
  },
  'nginx-deaf': {
    title: 'nginx does not reload, and says it did',
    async act({ bed, point }) {
      writeFileSync(join(bed.dir, 'no-reload'), '');
      await bed.points.letGo(point);
    },
    mend: async ({ bed }) => rmSync(join(bed.dir, 'no-reload')),
  },
  'ledger-cut': {
    title: 'the ledger is cut off in the middle of a line',
    async act({ bed, root, point }) {
      const ledger = join(root, 'ledger.ndjson');
      truncateSync(ledger, statSync(ledger).size - 40);
      await bed.points.letGo(point);
    },
  },
  'ledger-garbage': {
    title: 'the ledger ends with garbage',
    async act({ bed, root, point }) {
      appendFileSync(join(root, 'ledger.ndjson'), Buffer.concat([Buffer.from('{"run":"'), randomBytes(300).filter((byte) => byte !== 10), Buffer.from([0])]));
      await bed.points.letGo(point);
    },
  },
  'ledger-gone': {
    title: 'the ledger cannot be read (a folder is in its place)',
    async act({ bed, root, point }) {
      renameSync(join(root, 'ledger.ndjson'), join(bed.dir, 'ledger.before'));
      mkdirSync(join(root, 'ledger.ndjson'));
      await bed.points.letGo(point);
    },
  },
  'live-broken': {
    title: '`live` is no link any more',
    async act({ bed, root, point }) {
      renameSync(join(root, 'live'), join(bed.dir, 'live.before'));
      writeFileSync(join(root, 'live'), 'slots/bl');
      await bed.points.letGo(point);
    },
    // What a person put there is not guessed at.
    async mend({ bed, root }) {
      rmSync(join(root, 'live'));
      renameSync(join(bed.dir, 'live.before'), join(root, 'live'));
    },
  },
  clock: {
    title: 'the clock goes back by 400 days',
    async act({ bed, point }) {
      writeFileSync(join(bed.dir, 'clock-back'), '');
      await bed.points.letGo(point);
    },
    mend: async ({ bed }) => rmSync(join(bed.dir, 'clock-back')),
  },
};
