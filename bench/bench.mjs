// Times a warm deploy beside Capistrano and a floor, at 0 and 50 ms of round trip; writes results.json. `--rounds N`: counted rounds.
// Ends with status 1 if a deploy fails, whatever the times are. Node's own modules and the testbed only, and esbuild for one bundle.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startProxy } from '../testbed/proxy.mjs';
import { startStage } from '../testbed/stage.mjs';
import { actionsClient, deployCounted } from './line.mjs';
import { measureMemory } from './memory.mjs';
import { endRunning } from './process.mjs';
import { partsTable, results, targetsTable, timesTable } from './report.mjs';
import { bluegreen, capistrano, currentVersion, floor } from './tools.mjs';

const roundTripsMs = [0, 50];
const printMB = 300;
const resultsFile = fileURLToPath(new URL('./results.json', import.meta.url));

const say = (text) => process.stdout.write(`${text}\n`);

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`--rounds ${values.rounds}: give a whole number from 1\n`);
  process.exit(2);
}

let interrupted = '';
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = signal;
    endRunning();
  });
}

try {
  await bench();
} catch (error) {
  process.stderr.write(`bench: ${interrupted ? `ended by ${interrupted}` : (error.stack ?? error)}\n`);
  process.exitCode = 1;
}

async function bench() {
  say(machine());
  // A home without shell start-up files: a version manager in them runs at each exec, and would cost Capistrano seconds.
  const home = mkdtempSync(join(tmpdir(), 'bluegreen-bench-'));
  const stage = await startStage({ env: { HOME: home } });
  const lines = [];
  try {
    for (const rttMs of roundTripsMs) lines.push({ rttMs, proxy: await startProxy({ target: { host: stage.sshd.host, port: stage.sshd.port }, delayMs: rttMs }) });
    // A copy: a build meanwhile must not change what is measured.
    cpSync(fileURLToPath(new URL('../dist', import.meta.url)), join(stage.dir, 'dist'), { recursive: true });
    const bundle = join(stage.dir, 'dist', 'index.js');
    const tools = [bluegreen(stage, bundle, await actionsClient(stage.dir)), capistrano(stage, home), floor(stage)];
    stage.repo.commit({ version: 'first' }, codebase());
    const measured = results(await allRounds(stage, lines, tools));
    const memory = await measureMemory(stage, bundle, printMB);
    for (const one of measured) if (one.tool === 'bluegreen') one.memory = memory;
    show(measured, memory);
    writeFileSync(resultsFile, `[\n${measured.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`);
    say(`\nWritten to ${resultsFile}`);
  } finally {
    for (const { proxy } of lines) await proxy.close();
    await stage.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** A B C on the short line, A B C on the long one, and again: what else the machine does falls on all alike. The first round only warms up. */
async function allRounds(stage, lines, tools) {
  const samples = [];
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? '\nwarm-up' : `\nround ${round} of ${rounds}`);
    for (const line of lines) {
      for (const tool of tools) {
        const sample = await oneDeploy(stage, line, tool, `${round}-${line.rttMs}-${tool.name}`);
        say(`  ${String(line.rttMs).padStart(2)} ms  ${tool.name.padEnd(10)}  ${(sample.ms / 1000).toFixed(2)} s`);
        if (round > 0) samples.push(sample);
      }
    }
  }
  return samples;
}

/** A new commit each time, and a look afterwards whether it really is what is current. */
async function oneDeploy(stage, line, tool, version) {
  if (interrupted) throw new Error(interrupted);
  const sha = stage.repo.commit({ version });
  const counted = await deployCounted(tool, stage, line, { sha, version });
  const found = currentVersion(tool);
  if (found !== version) throw new Error(`after ${tool.name}'s deploy the current release is "${found}" instead of "${version}"`);
  return { tool: tool.name, rttMs: line.rttMs, ...counted };
}

/** A repository of some size: 200 files of 2 KB. */
function codebase() {
  const files = {};
  for (let at = 0; at < 200; at++) files[`lib/part-${at}.mjs`] = `export const part${at} = [\n${`  'line of part ${at}',\n`.repeat(90)}];\n`;
  return files;
}

function show(measured, memory) {
  say(`\nA warm deploy of a new commit, process start to exit, ${rounds} rounds\n\n${timesTable(measured)}`);
  say('\nbluegreen also starts the app, checks its health, switches nginx, verifies, drains and stops the old app; the others only put files in place.');
  say(`\n${partsTable(measured)}`);
  say(`\nMemory while an install command prints ${memory.printedMB} MB (${memory.looks} looks, 20 ms apart at best)`);
  say(`  action: ${memory.actionPeakMB} MiB at most; ${memory.arrivedMB} MB of what was printed reached its log`);
  say(`  agent: ${memory.agentPeakMB} MiB at most (Pss; ${memory.agentPeakRssMB} MiB when shared pages count for each), being ${memory.agentAtPeak}`);
  say(`  largest of the agent's processes: ${memory.agentLargest}, ${memory.agentLargestMB} MiB resident`);
  say(`\n${targetsTable(measured, memory)}`);
}

/** What the figures depend on, in a line. */
function machine() {
  const first = (command, ...args) => {
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    return `${stdout ?? ''}${stderr ?? ''}`.split('\n')[0].trim();
  };
  const cpu = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'CPU'}`;
  return [
    `node ${process.version}, Linux ${release()}, ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    [first('cap', '--version'), first('ssh', '-V'), first('/usr/sbin/nginx', '-v'), first('git', '--version')].join(', '),
  ].join('\n');
}
