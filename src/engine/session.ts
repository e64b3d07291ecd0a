import type { Channel, Connection } from '../host/connect.js';
import { beatMs, silenceMs } from '../host/lease.js';
import { AgentReader, BEAT, newMark, request, type AgentMessage } from '../host/protocol.js';
import { assignments, exports, seconds } from '../host/quote.js';
import type { Settings } from '../settings/settings.js';
import { agentStart } from './agent-text.js';
import type { Run } from './ledger.js';

/** What the agent is asked to do: change what is live, look at the host, prepare nginx, or tell what became of an earlier run. */
export type Request = 'deploy' | 'rollback' | 'look' | 'setup' | 'outcome';

export interface Handlers {
  message(message: AgentMessage): void;
  output(text: string): void;
}

/** A running agent. */
export interface Session {
  /** Ends texts of several lines in what the agent sends. */
  mark: string;
  plan(script: string): void;
  /** Asks the agent to abort before the switch, and to finish after it: it decides. */
  abort(): void;
  /** Settles once when the agent is gone, with what it wrote to standard error; `broken`: what no agent would have said, for which it was left. */
  closed: Promise<{ code: number | null; signal: string | null; said: string; broken?: string }>;
}

/** What a login may print before the agent's first word, in characters: more is no greeting. */
const LONGEST_GREETING = 1024 * 1024;

/** The last words on standard error that are kept, in characters. */
const KEPT = 8 * 1024;

/** How long the host waits for the end of a run that is asked for, in milliseconds: what it may still do after its last step, and some air. */
export const outcomeWaitMs = ({ lease, drainTimeout, stopTimeout }: Settings): number => lease + drainTimeout + stopTimeout + 60_000;

/** Starts the agent with one exec; the first request goes along at once. */
export async function startSession(connection: Connection, asked: Request, settings: Settings, run: Run, handlers: Handlers): Promise<Session> {
  const { command, firstLine } = agentStart(asked === 'outcome' ? '' : settings.command);
  const mark = newMark();
  const channel = await connection.exec(command);
  channel.stdin.write(firstLine + firstRequest(asked, mark, settings, run));
  let broken: string | undefined;
  readOutput(channel, mark, handlers, (why) => {
    broken = why;
    // It may go on for ever.
    connection.close();
  });
  let said = '';
  channel.stderr.setEncoding('utf8');
  channel.stderr.on('data', (text: string) => (said = (said + text).slice(-KEPT)));
  const beats = setInterval(() => channel.stdin.write(BEAT), beatMs(settings.lease));
  const silence = setTimeout(() => connection.close(), silenceMs(settings.lease));
  channel.stdout.on('data', () => silence.refresh());
  void channel.closed.then(() => {
    clearInterval(beats);
    clearTimeout(silence);
  });
  return {
    mark,
    plan: (script) => void channel.stdin.write(request('plan', script)),
    abort: () => void channel.stdin.write('abort\n'),
    closed: channel.closed.then(({ code, signal }) => ({ code, signal, said, broken })),
  };
}

function readOutput(channel: Channel, mark: string, handlers: Handlers, broke: (why: string) => void): void {
  // Undefined once the agent has spoken.
  let greeting: number | undefined = 0;
  const heard = (message: AgentMessage): void => {
    greeting = undefined;
    handlers.message(message);
  };
  const reader = new AgentReader(mark, heard, (text) => {
    if (greeting !== undefined && (greeting += text.length) > LONGEST_GREETING) throw new Error('something else than the agent talks without end');
    handlers.output(text);
  });
  channel.stdout.setEncoding('utf8');
  channel.stdout.on('data', (text: string) => {
    try {
      reader.push(text);
    } catch (error) {
      // Not our agent: nothing more is listened to, and its end without a last word is a failure.
      channel.stdout.removeAllListeners('data').resume();
      broke(error instanceof Error ? error.message : String(error));
    }
  });
  channel.stdout.on('end', () => reader.end());
}

function firstRequest(asked: Request, mark: string, settings: Settings, run: Run): string {
  const who = [settings.command, `of ${settings.ref.slice(0, 40) || 'a release'}`, run.actor && `by ${run.actor}`, run.url].filter(Boolean).join(' ');
  const wanted = assignments({
    BG_MARK: mark,
    BG_COMMAND: asked,
    BG_RUN: run.key,
    BG_HOLDER: who.replace(/[^\x20-\x7e]/g, '?'),
    BG_APP: settings.app,
    BG_ROOT: settings.root,
    BG_PORTS: settings.ports.join(' '),
    BG_REPOSITORY: settings.repository,
    BG_REF: ['rollback', 'status', 'setup'].includes(settings.command) ? '' : settings.ref,
    BG_NG_COMMAND: settings.nginxCommand,
    BG_LOCK_TIMEOUT: seconds(settings.lockTimeout),
    BG_STEP_TIMEOUT: seconds(settings.stepTimeout),
    BG_LEASE: seconds(settings.lease),
    BG_OUTCOME_WAIT: seconds(outcomeWaitMs(settings)),
  });
  return [
    request('request', wanted),
    request('token', assignments({ BG_TOKEN: settings.repositoryToken })),
    request('env', assignments({ BG_ENV: exports(settings.env) })),
    'go\n',
  ].join('');
}
