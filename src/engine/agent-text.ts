import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

// Written out one by one: the bundler copies a file only when it is named like this.
const files = [
  new URL('../host/agent/base.sh', import.meta.url),
  new URL('../host/agent/net.sh', import.meta.url),
  new URL('../host/agent/agent.sh', import.meta.url),
  new URL('../nginx/nginx.sh', import.meta.url),
  new URL('../nginx/follow.sh', import.meta.url),
  new URL('../supervisor/supervisor.sh', import.meta.url),
  new URL('./reconcile.sh', import.meta.url),
  new URL('./survey.sh', import.meta.url),
  new URL('./git.sh', import.meta.url),
  new URL('./steps/clone.sh', import.meta.url),
  new URL('./steps/commands.sh', import.meta.url),
  new URL('./steps/start.sh', import.meta.url),
  new URL('./steps/health.sh', import.meta.url),
  new URL('./steps/switch.sh', import.meta.url),
  new URL('./steps/finish.sh', import.meta.url),
];

// For `command: status` alone: a deploy does not carry it.
const statusFile = new URL('./status.sh', import.meta.url);

/** The whole agent as one POSIX sh program of functions, without its comments. `status`: with what only that command asks for. */
export function agentText({ status = false } = {}): string {
  return [...files, ...(status ? [statusFile] : [])]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n');
}

/**
 * How the agent is started: a command for the user's login shell, whichever that is, and the line of standard input
 * that follows at once and holds the agent itself. Nothing is installed, and no limit of a command's length applies.
 */
export function agentStart(options: { status?: boolean } = {}): { command: string; firstLine: string } {
  const unpack = 'printf %s "$a" | base64 -d | gzip -dc';
  return {
    command: `exec sh -c 'IFS= read -r a && BG_AGENT=$(${unpack}) && unset a && eval "$BG_AGENT" && bg_main'`,
    firstLine: `${gzipSync(agentText(options), { level: 9 }).toString('base64')}\n`,
  };
}
