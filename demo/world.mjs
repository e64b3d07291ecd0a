// The demo's world on loopback: a host with sshd and nginx, a repository, a GitHub, and what can be done with them.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGitHub } from '../testbed/github.mjs';
import { startLoad } from '../testbed/load.mjs';
import { runPost } from '../testbed/runner.mjs';
import { startStage } from '../testbed/stage.mjs';
import { endMarked, markedEnded, markedProcesses } from './leftovers.mjs';

const token = 'ghs_token_of_the_demo';
const shop = readFileSync(new URL('./shop.mjs', import.meta.url), 'utf8');

/**
 * @param {ReturnType<import('./screen.mjs').makeScreen>} screen
 * @param {AbortSignal} interrupted
 */
export async function makeWorld(screen, interrupted) {
  // Whatever a session on the host starts inherits this, and is found by it in the end.
  const id = randomUUID();
  const mark = `BLUEGREEN_DEMO=${id}`;
  const stage = await startStage({ instant: true, env: { BLUEGREEN_DEMO: id } });
  const github = await startGitHub({ token });
  const loads = new Set();
  const total = { served: 0, failed: 0, keepaliveCloses: 0 };
  let runId = 1000;

  /** One workflow run: the action's main step, then its post step, with a check run at the end. */
  async function run(start) {
    interrupted.throwIfAborted();
    const before = { checkRuns: github.checkRuns.length, deployments: github.deployments.length };
    const log = screen.actionLog();
    let child;
    // A terminal's Ctrl-C reaches the action by itself, a signal to the demo alone does not.
    const end = () => child?.kill('SIGINT');
    const env = { GITHUB_API_URL: github.url, GITHUB_RUN_ID: String(++runId), GITHUB_SHA: stage.repo.git('rev-parse', 'HEAD') };
    const options = { token, env, onOutput: log.feed, onStart: (started) => (child = started) };
    interrupted.addEventListener('abort', end);
    const limit = setTimeout(() => child?.kill('SIGKILL'), 120_000);
    try {
      const result = await start(options);
      interrupted.throwIfAborted();
      const post = await runPost(stage.inputs, result.state, options);
      interrupted.throwIfAborted();
      return { ...result, post: post.code, checkRun: github.checkRuns[before.checkRuns], statuses: statesOf(github, github.deployments[before.deployments]) };
    } finally {
      log.end();
      clearTimeout(limit);
      interrupted.removeEventListener('abort', end);
    }
  }

  return {
    stage,
    github,
    /** All requests under load so far. */
    total,

    /** Commits a version of the shop. @returns {string} the commit */
    commit: (version, more = {}, files = {}) => stage.repo.commit({ version, ...more }, { 'server.mjs': shop, ...files }),

    deploy: (sha, inputs = {}) => run((options) => stage.deploy(sha, { environment: 'production', ...inputs }, options)),
    rollback: () => run((options) => stage.rollback({ environment: 'production' }, options)),

    /**
     * Runs something while visitors keep asking; they begin before it and stop after it.
     *
     * @param {string[]} versions who may answer them
     * @param {() => Promise<any>} act a deploy or a rollback
     */
    async underLoad(versions, act) {
      const visitors = startLoad({ port: stage.ports.site, connections: 24, seconds: 60, pauseMs: 5, delayMs: 50, long: 3, longMs: 2000, versions, onProgress: showProgress(screen) });
      loads.add(visitors);
      try {
        await visitors.reached(200, interrupted);
        const result = await act();
        if (result.outputs.switched === 'true') visitors.switched({ at: switchedAt(stage.root), version: (await stage.ask()).body.replace('shop ', '') });
        await sleep(800, undefined, { signal: interrupted });
        const load = await visitors.stop();
        total.served += load.served;
        total.failed += load.failed;
        total.keepaliveCloses += load.keepaliveCloses;
        return { ...result, load };
      } finally {
        visitors.kill();
        loads.delete(visitors);
      }
    },

    /** What must stay as it is when a deploy fails. */
    picture() {
      const live = stage.live();
      return {
        nginxFile: createHash('sha256').update(stage.nginx.read()).digest('hex'),
        nginxMode: statSync(stage.nginx.file).mode,
        reloads: stage.nginx.errors().split('signal 1 (SIGHUP) received').length - 1,
        live,
        pid: live ? stage.pid(live) : 0,
      };
    },

    /** Does anybody listen there? */
    listens,

    /** Ends and removes everything. @returns {Promise<string[]>} what is left all the same */
    async stop() {
      for (const visitors of loads) visitors.kill();
      // A deploy that was interrupted is decided on the host, by the host: it gets the time for that.
      await markedEnded(mark, 6000, [stage.pid('blue'), stage.pid('green')]);
      try {
        await stage.stop();
      } finally {
        await endMarked(mark);
        await github.close();
      }
      const left = markedProcesses(mark).map(({ pid }) => `process ${pid} still runs`);
      for (const [name, port] of Object.entries(stage.ports)) if (!(await closes(port))) left.push(`${name}'s port ${port} is still open`);
      if (existsSync(stage.dir)) left.push(`${stage.dir} is still there`);
      return left;
    },
  };
}

/** When the link that is the switch was renamed. */
const switchedAt = (root) => Number(lstatSync(join(root, 'live'), { bigint: true }).ctimeNs) / 1e6;

/** A line when another version begins to answer or a request fails, and one a second otherwise. */
function showProgress(screen) {
  let shown = { at: 0, who: '', failed: 0 };
  let before = {};
  return ({ versions, served, failed, ms }) => {
    const who = Object.keys(versions).filter((version) => versions[version] !== before[version]);
    before = { ...versions };
    const now = { at: ms, who: who.join(' and '), failed };
    if (!who.length || (now.who === shown.who && failed === shown.failed && ms - shown.at < 1000)) return;
    shown = now;
    screen.load(`${now.who} ${who.length > 1 ? 'answer' : 'answers'}: ${served} requests served, ${failed} failed`);
  };
}

/** The states that a deployment went through; none without one. */
function statesOf({ statuses }, made) {
  return statuses.filter(({ deployment }) => deployment === made?.id).map(({ state }) => state);
}

/** A process that was killed may hold its port for a moment more. */
async function closes(port) {
  for (let tries = 0; tries < 40; tries++) {
    if (!(await listens(port))) return true;
    await sleep(50);
  }
  return false;
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true) || socket.destroy());
    socket.once('error', () => resolve(false));
  });
}
