// What a deploy takes of memory at both ends, looked at while it runs. Node's own modules and Linux's /proc only.
import { readFileSync, readdirSync } from 'node:fs';
import { track } from './process.mjs';

const everyMs = 20;

/** What the agent starts on somebody's behalf: not the agent, nor is what these start. */
const guests = /^(git.*|nginx|node|npm)$/;

/** How the agent runs a user's command: in the user's login shell. */
const loginShell = /^\S*sh\0-lc\0/;

/**
 * @typedef {{ pssKB: number, rssKB: number, name: string }} Used memory of one process; Pss counts a shared page once among all who share it
 * @typedef {{ actionPeakMB: number, agentPeakMB: number, agentPeakRssMB: number, agentLargestMB: number, agentLargest: string, agentAtPeak: string, looks: number, printedMB: number, arrivedMB: number }} Memory in MiB;
 *   `agentPeakMB` is the largest sum of Pss, `agentPeakRssMB` of resident sizes, in which what two processes share counts twice.
 *   `printedMB` was printed on the host, `arrivedMB` came out of the action, both in 10^6 bytes
 */

/**
 * Deploys once with an install command that prints a lot, and looks at the memory of both ends every 20 ms.
 *
 * @param {import('./tools.mjs').Stage} stage
 * @param {string} bundle
 * @param {number} printMB what the install command prints, in MB
 * @returns {Promise<Memory>}
 * @throws Error when the deploy fails
 */
export async function measureMemory(stage, bundle, printMB) {
  const sha = stage.repo.commit({ version: 'memory' });
  const agent = { pssKB: 0, rssKB: 0, largest: { pssKB: 0, rssKB: 0, name: '' }, atPeak: '', looks: 0 };
  let actionKB = 0;
  let pid = 0;
  const look = () => {
    actionKB = Math.max(actionKB, highWaterKB(pid));
    lookAtAgent(stage.sshd.pid, agent);
  };
  const timer = setInterval(look, everyMs);
  const onStart = (child) => {
    track(child);
    pid = child.pid;
  };
  try {
    const { code, log } = await stage.deploy(sha, { install: `yes 'one more line of an install command that has a lot to say' | head -c ${printMB}000000` }, { bundle, onStart });
    if (code !== 0) throw new Error(`the action ended with status ${code}:\n${log.slice(-4000)}`);
    return {
      actionPeakMB: mb(actionKB),
      agentPeakMB: mb(agent.pssKB),
      agentPeakRssMB: mb(agent.rssKB),
      agentLargestMB: mb(agent.largest.rssKB),
      agentLargest: agent.largest.name,
      agentAtPeak: agent.atPeak,
      looks: agent.looks,
      printedMB: printMB,
      arrivedMB: Math.floor(log.length / 1e6),
    };
  } finally {
    clearInterval(timer);
  }
}

const mb = (kb) => Math.round(kb / 102.4) / 10;

/** The kernel keeps the peak itself (proc(5), VmHWM), so the last look before the exit is as good as all. */
function highWaterKB(pid) {
  return pid ? Number(/^VmHWM:\s*(\d+) kB$/m.exec(read(pid, 'status'))?.[1] ?? 0) : 0;
}

function lookAtAgent(sshdPid, agent) {
  const found = agentProcesses(sshdPid).map(used).filter((one) => one.rssKB > 0);
  if (found.length === 0) return;
  agent.looks++;
  const sum = (key) => found.reduce((total, one) => total + one[key], 0);
  agent.rssKB = Math.max(agent.rssKB, sum('rssKB'));
  if (sum('pssKB') > agent.pssKB) {
    agent.pssKB = sum('pssKB');
    agent.atPeak = found.map(({ name }) => name).sort().join(' ');
  }
  for (const one of found) if (one.rssKB > agent.largest.rssKB) agent.largest = one;
}

/** All that runs below the sshd, but for sshd itself, the guests and what the guests started. */
function agentProcesses(sshdPid) {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = read(entry, 'stat');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), entry]);
  }
  const found = [];
  for (const queue = [...(children.get(sshdPid) ?? [])]; queue.length > 0;) {
    const pid = queue.shift();
    const name = nameOf(pid);
    if (guests.test(name) || loginShell.test(read(pid, 'cmdline'))) continue;
    if (!name.startsWith('sshd')) found.push(pid);
    queue.push(...(children.get(Number(pid)) ?? []));
  }
  return found;
}

/** @returns {Used} */
function used(pid) {
  const name = nameOf(pid);
  const rollup = read(pid, 'smaps_rollup');
  const value = (key) => Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? 0);
  return { pssKB: value('Pss'), rssKB: value('Rss'), name };
}

const nameOf = (pid) => read(pid, 'comm').trim();

/** Empty when the process has ended meanwhile. */
function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
