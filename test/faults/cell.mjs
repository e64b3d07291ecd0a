// One cell: a deploy is held at a point, something dies, and then all of it has to be well without anybody's doing.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../testbed/processes.mjs';
import { ofAgent } from './cells.mjs';
import { deaths, noticed } from './deaths.mjs';

/**
 * @typedef {{ bed: 'reload' | 'instant' | 'disk' | 'two', point: string, death: string, expected: string }} Cell
 */

/**
 * Runs a cell and gives how it ended, with the action's log: `aborted`, `finished`, `switched back`, or `begun anew` (aborted, and then finished by a new try of its own).
 *
 * @param {import('./bed.mjs').Bed} bed whose app is live and well, and is so again afterwards
 * @param {Cell} cell
 * @param {{ final: boolean, alone: boolean }} moment `final`: the point lies behind the beginning of the switch; `alone`: the old slot is stopped
 */
export async function runCell(bed, { point, death }, { final, alone }) {
  const { stage } = bed;
  const { root } = stage;
  const old = (await stage.ask()).body;
  const next = bed.next(point === 'clone-fetched');
  bed.visitors.since();
  let child;
  let ended = false;
  if (point === 'connect') return await runConnectCell(bed, death, old, next);
  if (point === 'lock-wait') return await runWaitingCell(bed, death, old, next);
  const before = bed.processes();
  bed.points.hold(point);
  const running = bed
    .deploy(next.sha, { ...(death === 'frozen' && { lease: '2s' }), ...(death === 'limit' && { 'step-timeout': '4s', 'health-timeout': '4s' }) }, { env: bed.held, onStart: (started) => (child = started) })
    .finally(() => (ended = true));
  const beside = bed.kind === 'two' ? bed.deploy(next.sha, bed.second) : undefined;
  const pid = await bed.points.reached(point, () => ended);
  if (!pid) throw new Error(`the deploy ended before it came to ${point}:\n${(await running).log}`);
  const scene = { bed, root, child, point, pid, before, final: final || ofAgent.includes(point), spare: alone, ended: () => ended };
  await deaths[death].act(scene);
  const run = await running;
  await until(() => lockIsFree(root), 'the host has let the lock go', 60_000);
  await deaths[death].mend?.(scene);
  const { how } = await afterDeath(bed, { old, next: next.version, run, death, final, beside });
  await nextDeploy(bed, death, liveRelease(bed));
  return { how, log: run.log };
}

/** Before there is an agent, the line is all that can die. */
async function runConnectCell(bed, death, old, next) {
  let child;
  bed.proxy.freeze();
  const connections = bed.proxy.connections;
  const running = bed.deploy(next.sha, { 'connect-timeout': '2s' }, { onStart: (started) => (child = started) });
  await until(() => bed.proxy.connections > connections, 'the action connects');
  if (death.startsWith('sig')) child.kill(death.toUpperCase());
  else if (death === 'frozen') bed.proxy.freezeOpen();
  else bed.proxy.cut();
  bed.proxy.thaw();
  const run = await running;
  await until(() => lockIsFree(bed.stage.root), 'the host has let the lock go', 60_000);
  const { how } = await afterDeath(bed, { old, next: next.version, run, death, final: false });
  await nextDeploy(bed, death, liveRelease(bed));
  // A connection that failed is no run that was begun.
  return { how, log: run.log };
}

/** A run that waits for another one leaves no trace when it ends there. */
async function runWaitingCell(bed, death, old, next) {
  const { root } = bed.stage;
  const ledger = readFileSync(join(root, 'ledger.ndjson'), 'utf8');
  const holder = spawn('flock', [join(root, 'lock'), 'sleep', '120'], { detached: true, stdio: 'ignore' });
  const free = () => holder.pid && isRunning(holder.pid) && process.kill(-holder.pid, 'SIGKILL');
  try {
    await until(() => !lockIsFree(root), 'the lock is held');
    let child;
    let ended = false;
    let waits = false;
    const options = { onStart: (started) => (child = started), onOutput: (text) => (waits ||= text.includes('waiting for the lock: held by ')) };
    const running = bed.deploy(next.sha, death === 'frozen' ? { lease: '2s' } : {}, options).finally(() => (ended = true));
    await until(() => waits, 'the run waits for the lock');
    if (death.startsWith('sig')) child.kill(death.toUpperCase());
    else if (death === 'frozen') bed.proxy.freezeOpen();
    else bed.proxy.cut();
    await noticed({ bed, root, ended: () => ended });
    if (!death.startsWith('sig')) free();
    const run = await running;
    free();
    await until(() => lockIsFree(root), 'the host has let the lock go', 60_000);
    if (death.startsWith('sig') && readFileSync(join(root, 'ledger.ndjson'), 'utf8') !== ledger) fail('a run that only waited is in the ledger', run.log);
    const { how } = await afterDeath(bed, { old, next: next.version, run, death, final: false });
    await nextDeploy(bed, death, liveRelease(bed));
    return { how, log: run.log };
  } finally {
    free();
  }
}

/** Who answers is the old release or the new one, and nobody was turned away who was not with what died. */
async function afterDeath(bed, { old, next, run, death, final, beside }) {
  const { body, status } = await bed.stage.ask();
  if (status !== 200 || ![old, next].includes(body)) throw new Error(`after it, ${body || 'nobody'} answers (status ${status}), neither ${old} nor ${next}:\n${run.log}`);
  if (beside) {
    const other = await beside;
    const answer = await bed.stage.ask('/second/');
    if (other.code !== 0 || answer.body !== next) throw new Error(`the other app was disturbed: ${answer.body} answers, not ${next}:\n${other.log}\n--- the run that died:\n${run.log}`);
  }
  const { asked, failures } = bed.visitors.since();
  // What the new release was asked while it died there is lost with it; so is all of nginx while that is dead.
  const carried = death === 'nginx-dead' || (final && ['app', 'all'].includes(death));
  if (failures.length && !carried) throw new Error(`${failures.length} of ${asked} requests failed, such as ${failures[0]?.what}:\n${run.log}`);
  const anew = run.log.includes('the run is begun anew');
  const how = body === next ? (anew ? 'begun anew' : 'finished') : /switched back:|gets the traffic back|becomes live/.test(run.log) ? 'switched back' : 'aborted';
  checkReport(run, how, death);
  return { how, log: run.log };
}

/** What is reported follows what is live. */
function checkReport({ code, signal, log }, how, death) {
  if (death === 'sigkill') return signal === 'SIGKILL' ? undefined : fail('it was not killed', log);
  const good = how === 'finished' || how === 'begun anew';
  if (good !== (code === 0)) fail(`the action ended with ${code} although it was ${how}`, log);
  if (good && !log.includes('is live on')) fail('it does not say what is live', log);
  if (log.includes('has a defect')) fail('it says that it has a defect', log);
}

const liveRelease = ({ stage }) => readlinkSync(join(stage.root, 'slots', stage.live(), 'release')).split('/').at(-1);

/** The next deploy succeeds, and leaves nothing of what was. @param {string} wasLive the release that was live before it */
async function nextDeploy(bed, death, wasLive) {
  const { stage } = bed;
  if (death === 'disk') await onFullDisk(bed);
  const { version, sha } = bed.next();
  const run = await bed.deploy(sha);
  if (run.code !== 0) fail('the next deploy failed', run.log);
  const { body } = await stage.ask();
  if (body !== version) fail(`after the next deploy ${body} answers, not ${version}`, run.log);
  const wrong = await leftovers(bed, wasLive);
  if (wrong.length) fail(`after the next deploy: ${wrong.join('; ')}`, run.log);
  const { asked, failures } = bed.visitors.since();
  if (failures.length) fail(`${failures.length} of ${asked} requests failed during the next deploy, such as ${failures[0]?.what}`, run.log);
}

/** As long as the disk is full, a deploy says so and changes nothing; then somebody makes room. */
async function onFullDisk(bed) {
  const before = (await bed.stage.ask()).body;
  const run = await bed.deploy(bed.next().sha);
  if (run.code !== 1 || !/too full|cannot be written|cannot write/.test(run.log)) fail('on a full disk a deploy has to say so', run.log);
  if ((await bed.stage.ask()).body !== before) fail('on a full disk something was switched', run.log);
  bed.makeRoom();
}

/** What should not be there once all is well. */
async function leftovers(bed, wasLive) {
  const { root, nginx, ports } = bed.stage;
  const wrong = [];
  const live = bed.stage.live();
  const alive = ['blue', 'green'].filter((slot) => bed.stage.pid(slot) && isRunning(bed.stage.pid(slot)));
  if (alive.join() !== live) wrong.push(`slots that run: ${alive.join()}, live is ${live}`);
  const idlePort = live === 'blue' ? ports.green : ports.blue;
  if ((await bed.stage.askPort(idlePort)).status !== 0) wrong.push('somebody answers on the idle port');
  // An agent that is just ending is no orphan.
  const orphans = () => bed.processes().filter(({ group, pid }) => ![bed.stage.pid(live), secondApp(bed)].includes(group) && isRunning(pid));
  for (let tries = 0; tries < 100 && orphans().length; tries++) await sleep(50);
  if (orphans().length) wrong.push(`processes are left: ${orphans().map(({ pid, command }) => `${pid} ${command.slice(0, 80)}`).join(' | ')}`);
  for (const release of readdirSync(join(root, 'releases'))) if (!existsSync(join(root, 'releases', release, '.release.json'))) wrong.push(`${release} is half a release`);
  if (!lockIsFree(root)) wrong.push('the lock is held');
  for (const name of ['switch.intent', 'run/current', 'run/unproved']) if (existsSync(join(root, name))) wrong.push(`${name} is left`);
  for (const name of readdirSync(join(root, 'run'))) if (/^(step|pipes)\./.test(name)) wrong.push(`run/${name} is left`);
  for (const name of [...readdirSync(root), ...readdirSync(join(root, 'slots', live))]) if (name.endsWith('.new')) wrong.push(`${name} is left`);
  if (bed.kind !== 'instant') {
    const [, block = ''] = /upstream shop \{([^}]*)\}/.exec(nginx.read()) ?? [];
    const serving = [...block.matchAll(/server 127\.0\.0\.1:(\d+)([^;]*);/g)].filter(([, , more]) => !more?.includes('down')).map(([, port]) => Number(port));
    if (serving.join() !== String(ports[live])) wrong.push(`nginx's file leads to ${serving.join()}, live is ${live} on ${ports[live]}`);
  }
  const lines = readFileSync(join(root, 'ledger.ndjson'), 'utf8').trimEnd().split('\n');
  const last = parsed(lines.at(-1));
  if (lines.some((line) => !parsed(line))) wrong.push('the ledger has a line that nobody can read');
  if (last?.outcome !== 'success' || last?.liveRelease !== liveRelease(bed)) wrong.push(`the ledger's last line: ${lines.at(-1)}`);
  if (!lines.some((line) => parsed(line)?.liveRelease === wasLive)) wrong.push(`the ledger does not know that ${wasLive} was live`);
  return wrong;
}

function secondApp(bed) {
  if (bed.kind !== 'two') return 0;
  const live = readlinkSync(join(bed.second.root, 'live'));
  return Number(readFileSync(join(bed.second.root, live, 'pid'), 'utf8').split(' ')[0]);
}

const isRunning = (pid) => existsSync(`/proc/${pid}`);

const lockIsFree = (root) => spawnSync('flock', ['-n', join(root, 'lock'), 'true']).status === 0;

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function fail(what, log) {
  throw new Error(`${what}:\n${log}`);
}
