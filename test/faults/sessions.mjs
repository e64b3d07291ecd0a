// Processes of a host's sessions, told by a variable that its sshd gives to each of them and that all their children inherit.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { processStat } from '../../testbed/processes.mjs';

/**
 * @param {string} name @param {string} value
 * @returns {{ pid: number, parent: number, group: number, command: string }[]} without those that have ended and wait to be collected
 */
export function sessionProcesses(name, value) {
  const mark = `${name}=${value}`;
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      if (!`\0${readFileSync(`/proc/${entry}/environ`, 'latin1')}`.includes(`\0${mark}\0`)) return [];
      const stat = processStat(entry);
      if (!stat || stat.state === 'Z') return [];
      return [{ pid: Number(entry), parent: stat.parent, group: stat.group, command: readFileSync(`/proc/${entry}/cmdline`, 'latin1').replaceAll('\0', ' ').trim() }];
    } catch {
      // It has ended.
      return [];
    }
  });
}

/** Which of these processes has a file open. @param {{ pid: number }[]} processes @param {string} file */
export function holderOf(processes, file) {
  return processes.find(({ pid }) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
    } catch {
      return false;
    }
  });
}
