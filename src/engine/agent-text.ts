import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { quote } from '../host/quote.js';

// Written out one by one: the bundler copies a file only when it is named like this.
const files = [
  new URL('../host/agent/base.sh', import.meta.url),
  new URL('../host/agent/net.sh', import.meta.url),
  new URL('../host/agent/line.sh', import.meta.url),
  new URL('../host/agent/root.sh', import.meta.url),
  new URL('../host/agent/step.sh', import.meta.url),
  new URL('../host/agent/ledger.sh', import.meta.url),
  new URL('../host/agent/agent.sh', import.meta.url),
  new URL('../nginx/nginx.sh', import.meta.url),
  new URL('../nginx/error-log.sh', import.meta.url),
  new URL('../nginx/searchable.sh', import.meta.url),
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
  new URL('./steps/bake.sh', import.meta.url),
  new URL('./steps/finish.sh', import.meta.url),
];

// For one command alone: a deploy does not carry it.
const more: Record<string, URL> = {
  status: new URL('./status.sh', import.meta.url),
  setup: new URL('./steps/setup.sh', import.meta.url),
};

/** Brought along only where points are asked for. */
const points = new URL('../host/agent/points.sh', import.meta.url);

/**
 * The agent as one POSIX sh program of functions, without its comments, with what that command needs.
 *
 * @param pointsIn a folder on the host in which a test holds the agent at its points, which are comments otherwise: `# point NAME`
 */
export function agentText(command = '', pointsIn = ''): string {
  const own = more[command];
  const text = [...files, ...(own ? [own] : []), ...(pointsIn ? [points] : [])].map((file) => readFileSync(file, 'utf8')).join('\n');
  const held = pointsIn ? `BG_POINTS=${quote(pointsIn)}\n${text.replace(/^( *)# point (\S+)$/gm, '$1bg_point "$2"')}` : text;
  return held
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n');
}

/**
 * How the agent is started: a command for the user's login shell, whichever that is, and the line of standard input
 * that follows at once and holds the agent itself. Nothing is installed, and no limit of a command's length applies.
 */
export function agentStart(forCommand = ''): { command: string; firstLine: string } {
  const unpack = 'printf %s "$a" | base64 -d | gzip -dc';
  return {
    command: `exec sh -c 'IFS= read -r a && BG_AGENT=$(${unpack}) && unset a && eval "$BG_AGENT" && bg_main'`,
    firstLine: `${gzipSync(agentText(forCommand, process.env.BLUEGREEN_POINTS), { level: 9 }).toString('base64')}\n`,
  };
}
