// The three ways to switch that are compared under traffic: by the action's bundle, instant and by reload, and by the usual script.
import { cpSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { siteConfig } from '../testbed/nginx.mjs';
import { startStage } from '../testbed/stage.mjs';
import { run, track } from './process.mjs';

const naiveScript = readFileSync(new URL('./naive.sh', import.meta.url), 'utf8');
const dist = fileURLToPath(new URL('../dist', import.meta.url));
/** How long what the old release still answers may last, in seconds. */
export const drainS = 5;
/** All modes get the same pool of connections to the app; instant has it in its own files. */
const pool = 'keepalive 32; keepalive_timeout 1s;';

/**
 * @typedef {{ ms: number, at: number, version: string, limitMs: number, onHostMs?: number }} Switched `ms`: from the start of the process to its exit; `at`: the
 *   moment of the switch, as Date.now() gives it; `onHostMs`: the time of the switch itself, as the host tells it
 * @typedef {{ port: number, first: (version: string) => Promise<Switched>, deploy: (version: string, standby: boolean) => Promise<Switched>,
 *   rollback: (version: string) => Promise<Switched>, log: () => string, stop: () => Promise<void> }} Mode
 */

/** @type {Record<string, () => Promise<Mode>>} `socket` is instant too, with an app that listens on a Unix socket */
export const modes = { instant: () => byBundle('instant', 'port'), reload: () => byBundle('reload', 'port'), naive: byScript, socket: () => byBundle('instant', 'socket') };

/** The app ends at once when it is told to, as most do: what is not waited for is lost. */
const release = (version, listen = 'port') => ({ version, graceful: false, listen });

/** @param {'instant' | 'reload'} how @param {'port' | 'socket'} listen */
async function byBundle(how, listen) {
  const instant = how === 'instant';
  const stage = await startStage({ instant: instant && (listen === 'socket' ? 'socket' : true), config: instant ? undefined : pooledSite });
  // A copy: a build meanwhile must not change what is measured.
  cpSync(dist, join(stage.dir, 'dist'), { recursive: true });
  const options = { bundle: join(stage.dir, 'dist', 'index.js'), onStart: track };
  const inputs = { switch: how, listen, 'drain-timeout': `${drainS}s`, 'keep-releases': '3' };
  let log = '';
  const switched = async (version, { code, ms, outputs, log: said }) => {
    log = said;
    if (code !== 0) throw new Error(`the action ended with status ${code}:\n${said.slice(-6000)}`);
    const answer = await stage.ask();
    if (answer.body !== version) throw new Error(`nginx answers "${answer.body}" instead of "${version}":\n${said.slice(-4000)}`);
    const step = JSON.parse(outputs.steps).find(({ name }) => name === 'switch')?.ms;
    // An instant switch is one rename, which the host times by itself; a reload is all of its step.
    const renamed = /live -> slots\/\w+ in ([\d.]+) ms/.exec(said)?.[1];
    const onHostMs = renamed === undefined ? step : Number(renamed);
    return { ms, at: changedAt(join(stage.root, 'live')), version, limitMs: drainS * 1000, onHostMs };
  };
  const deploy = async (version, standby) => switched(version, await stage.deploy(stage.repo.commit(release(version, listen)), { ...inputs, standby: String(standby && instant) }, options));
  return {
    port: stage.ports.site,
    first: (version) => deploy(version, false),
    deploy,
    rollback: async (version) => switched(version, await stage.rollback({ ...inputs, standby: String(instant) }, options)),
    log: () => log,
    stop: stage.stop,
  };
}

const pooledSite = ({ site, blue }) => siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue}; ${pool}` });

/** @returns {Promise<Mode>} */
async function byScript() {
  const stage = await startStage({ config: pooledSite });
  const flags = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'].flatMap((option) => ['-o', option]);
  const ssh = (script) => run('ssh', ['-F', '/dev/null', '-i', stage.sshd.keyFile, '-p', String(stage.sshd.port), ...flags, `${stage.sshd.user}@${stage.sshd.host}`, script]);
  const naive = async (version, sha) => {
    const { file, command } = stage.nginx;
    const values = { ROOT: stage.root, REPO: stage.repo.url, SHA: sha, ID: version, CONF: file, BLUE: stage.ports.blue, GREEN: stage.ports.green, NODE: process.execPath, NGINX: command };
    // Paths of the testbed: none holds a quote.
    const { ms } = await ssh(`${Object.entries(values).map(([name, value]) => `${name}='${value}'`).join('; ')}\n${naiveScript}`);
    return { ms, at: changedAt(file), version, limitMs: drainS * 1000 };
  };
  const deploy = (version) => naive(version, stage.repo.commit(release(version)));
  return { port: stage.ports.site, first: deploy, deploy, rollback: (version) => naive(version, ''), log: () => '', stop: stage.stop };
}

/** When a file or a link came to its name: a rename sets its status time. The kernel's clock for that may be some milliseconds behind. */
function changedAt(path) {
  return Number(lstatSync(path, { bigint: true }).ctimeNs / 1000n) / 1000;
}

