import type * as z from 'zod';
import type { settingsSchema } from './schema.js';

/** The values of the single settings, by input name. */
export type Values = z.output<typeof settingsSchema>;

/** One wrong setting, and in words what is wrong and what would be right. */
export interface SettingProblem {
  name: string;
  message: string;
}

/**
 * The rules between settings.
 *
 * @param values the settings that are right by themselves; a rule that needs another one waits for it
 */
export function checkTogether(values: Partial<Values>): SettingProblem[] {
  const { command, supervisor, start, stop } = values;
  const problems: SettingProblem[] = [];
  const missing = (name: string, message: string) => problems.push({ name, message: `is missing: ${message}` });
  const deploys = command === 'deploy' || command === 'plan';

  if (deploys && start === '') missing('start', 'say how the app starts, such as node server.js');
  if (deploys && values.repository === '') missing('repository', 'say where the host fetches the code, such as https://github.com/org/shop.git');
  if (deploys && values.ref === '') missing('ref', 'say which branch, tag or commit to deploy');
  if (deploys && values.release) {
    problems.push({ name: 'release', message: `is for command: rollback; choose what to ${command} with ref` });
  }
  // A rollback without start runs its release the way it ran before.
  if (supervisor === 'command' && stop === '' && (deploys || (command === 'rollback' && start))) {
    missing('stop', 'with supervisor: command, say how the app stops');
  }
  if (supervisor === 'process' && stop && command !== 'status' && command !== 'setup') {
    problems.push({
      name: 'stop',
      message: 'is for supervisor: command; with supervisor: process the app is ended by a signal. Remove stop, or set supervisor: command',
    });
  }
  problems.push(...socketProblems(values));
  return problems;
}

/** The longest path of a Unix socket (sun_path in unix(7)), without its closing zero byte. */
const LONGEST_SOCKET = 107;

function socketProblems({ listen, root = '', switch: how, env = [] }: Partial<Values>): SettingProblem[] {
  if (listen !== 'socket') return [];
  const problems: SettingProblem[] = [];
  if (how === 'reload') {
    problems.push({ name: 'switch', message: 'cannot be reload with listen: socket, which nginx follows without one. Remove switch, or set listen: port' });
  }
  if (env.some(({ name }) => name === 'SOCKET')) problems.push({ name: 'env', message: 'must not set SOCKET with listen: socket: the deploy sets it' });
  const longest = `${root}/slots/green/app.sock`;
  if (Buffer.byteLength(longest) > LONGEST_SOCKET) {
    problems.push({ name: 'root', message: `is too long for listen: socket: the path ${longest} of a Unix socket has more than ${LONGEST_SOCKET} bytes. Choose a shorter root` });
  }
  return problems;
}
