// Switches under traffic: deploys and rollbacks by the built bundle over a real sshd, while visitors in a process of their own keep asking a real nginx.
//   npm run bench:traffic -- --modes instant,reload,naive --deploys 50 --rollbacks 10 --requests 1000000
// Writes traffic.json when it was a full run, or where `--json` says. Ends with status 1 if a run fails or a target is missed. Node's own modules and the testbed only.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startLoad } from '../testbed/load.mjs';
import { ensurePackages } from '../testbed/packages.mjs';
import { endRunning } from './process.mjs';
import { drainS, modes } from './traffic-modes.mjs';
import { failureLines, resultOf, resultsTable, targets, targetsTable } from './traffic-report.mjs';

const usualModes = ['instant', 'reload', 'naive'];
const fullRun = { deploys: 50, rollbacks: 10, requests: 1_000_000 };
const resultsFile = fileURLToPath(new URL('./traffic.json', import.meta.url));
/** No mode's load lasts longer, whatever was asked for, in seconds. */
const mostSeconds = 1800;
/** Before the first switch and behind the last one, so that there are seconds without. */
const calmMs = 3000;
const calmRollbacks = 5;

/** Who asks, besides that: the longest of the long ones end inside the drain limit, but for those without end. */
const visitors = { connections: 64, pauseMs: 2, delayMs: 50, longMs: (drainS - 1) * 1000, long: 4, streams: 3, uploads: 3, events: 3, websockets: 3, endless: 1, seed: 20261123 };

const say = (text) => process.stdout.write(`${text}\n`);

const { values } = parseArgs({
  options: { modes: text(usualModes.join(',')), deploys: text(fullRun.deploys), rollbacks: text(fullRun.rollbacks), requests: text(fullRun.requests), connections: text(visitors.connections), json: { type: 'string' } },
});
const [deploys, rollbacks, requests, connections] = [values.deploys, values.rollbacks, values.requests, values.connections].map(Number);
const chosen = values.modes.split(',').filter(Boolean);
const unknown = chosen.filter((name) => !(name in modes));
if (unknown.length || ![deploys, rollbacks, requests, connections].every((number) => Number.isInteger(number) && number >= 0) || deploys < Math.max(1, rollbacks)) {
  process.stderr.write(`bench: give whole numbers, at least as many --deploys as --rollbacks, and --modes of ${Object.keys(modes).join(', ')}${unknown.length ? `, not ${unknown}` : ''}\n`);
  process.exit(2);
}

function text(value) {
  return { type: 'string', default: String(value) };
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interruption.abort(new Error(`ended by ${signal}`));
    endRunning();
  });
}

try {
  await bench();
} catch (error) {
  process.stderr.write(`bench: ${interruption.signal.aborted ? interruption.signal.reason.message : (error.stack ?? error)}\n`);
  process.exitCode = 1;
}

async function bench() {
  ensurePackages(['nginx', 'sshd', 'ssh', 'git', 'curl'], { say });
  say(machine());
  const results = {};
  for (const name of chosen) {
    say(`\n${name}: ${deploys} deploys, ${rollbacks} rollbacks, at least ${requests} requests`);
    results[name] = await underTraffic(name);
  }
  say(`\n${resultsTable(results)}`);
  const wanted = targets(results, { deploys, rollbacks, requests });
  say(`\n${targetsTable(wanted)}`);
  if (wanted.some(({ met }) => !met)) process.exitCode = 1;
  const full = deploys >= fullRun.deploys && rollbacks >= fullRun.rollbacks && requests >= fullRun.requests;
  const file = values.json ?? (full ? resultsFile : '');
  if (!file) return say(`\nA short run: ${resultsFile} stays as it is (--json FILE writes one).`);
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  writeFileSync(file, `${JSON.stringify({ ...before, ...results }, undefined, 2)}\n`);
  say(`\nWritten to ${file}`);
}

/** All deploys and rollbacks in one mode, under one load. A rollback goes back to the release before; the deploy that it follows leaves that one on standby. */
async function underTraffic(name) {
  const mode = await modes[name]();
  let load;
  try {
    await mode.first('v0');
    const begun = performance.now();
    load = startLoad({ port: mode.port, ...visitors, connections, seconds: mostSeconds, versions: ['v0'] });
    await load.reached(1000, interruption.signal);
    await calm();
    const done = { deploys: [], rollbacks: [], calm: [] };
    let live = 'v0';
    for (let count = 1; count <= deploys; count++) {
      // The rollbacks are spread over the deploys.
      const rollsBack = Math.floor((count * rollbacks) / deploys) > Math.floor(((count - 1) * rollbacks) / deploys);
      const version = `v${count}`;
      load.expect(version);
      done.deploys.push(await told(load, `deploy ${version}`, mode, () => mode.deploy(version, rollsBack)));
      if (rollsBack) done.rollbacks.push(await told(load, `rollback to ${live}`, mode, () => mode.rollback(live)));
      else live = version;
    }
    await Promise.race([load.reached(requests, interruption.signal), sleep(Math.max(0, (mostSeconds - 60) * 1000 - (performance.now() - begun)), undefined, { ref: false })]);
    await calm();
    const counts = await load.stop();
    for (const line of failureLines(counts, name === 'naive' ? 10 : 100)) say(`  ${line}`);
    for (let count = 1; count <= Math.min(rollbacks, calmRollbacks); count++) done.calm.push(await rollbackInCalm(mode, `calm${count}`));
    return resultOf(counts, done);
  } finally {
    load?.kill();
    await mode.stop();
  }
}

/** What a rollback takes while nobody asks for anything: here visitors, site and runner share a machine, elsewhere they do not. */
async function rollbackInCalm(mode, version) {
  interruption.signal.throwIfAborted();
  for (const one of [`${version}.1`, `${version}.2`]) await mode.deploy(one, true);
  const rollback = await mode.rollback(`${version}.1`);
  say(`  rollback without load ${(rollback.ms / 1000).toFixed(2)} s`);
  return rollback;
}

function calm() {
  return sleep(calmMs, undefined, { signal: interruption.signal });
}

/** One run, told to the load and to the reader. */
async function told(load, what, mode, act) {
  interruption.signal.throwIfAborted();
  const before = load.counts();
  const one = await act();
  load.switched({ at: one.at, version: one.version, limitMs: one.limitMs });
  const { served, failed, keepaliveCloses, cutAtLimit } = load.counts();
  const host = one.onHostMs === undefined ? '' : `, the switch ${one.onHostMs} ms`;
  const lost = `${failed - before.failed} failed, ${keepaliveCloses - before.keepaliveCloses} keep-alive closes, ${cutAtLimit - before.cutAtLimit} cut`;
  say(`  ${what.padEnd(16)} ${(one.ms / 1000).toFixed(2)} s${host}; so far ${served} requests; meanwhile ${lost}`);
  return one;
}

/** What the figures depend on, in a line. */
function machine() {
  const { stdout, stderr } = spawnSync('/usr/sbin/nginx', ['-v'], { encoding: 'utf8' });
  return `node ${process.version}, Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'CPU'}, ${`${stdout}${stderr}`.trim()}`;
}
