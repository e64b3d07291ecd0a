import { PassThrough } from 'node:stream';
import type { Connection } from '../../../src/host/connect.js';
import { makePlan, type Plan } from '../../../src/engine/plan.js';
import { startSession } from '../../../src/engine/session.js';
import type { Facts } from '../../../src/engine/facts.js';
import type { Settings } from '../../../src/settings/settings.js';
import { run } from './facts.js';

/** What the action sends for a deploy, decoded as the agent decodes it. */
export interface Sent {
  /** The texts of `request`, `token` and `env`. */
  first: Record<'request' | 'token' | 'env', string>;
  plan: Plan;
}

/** Lets the action send its first request, to nobody, and plans what comes then. */
export async function sent(settings: Settings, facts: Facts): Promise<Sent> {
  return { first: await firstRequest(settings), plan: makePlan(settings, facts, run) };
}

async function firstRequest(settings: Settings): Promise<Sent['first']> {
  const stdin = new PassThrough();
  const channel = { stdin, stdout: new PassThrough(), stderr: new PassThrough(), closed: Promise.resolve({ code: 0, signal: null }) };
  const connection = { exec: () => Promise.resolve(channel) } as unknown as Connection;
  await startSession(connection, settings.command === 'rollback' ? 'rollback' : 'deploy', settings, run, { message: () => undefined, output: () => undefined });
  const [, ...lines] = (stdin.read() as Buffer).toString('latin1').split('\n');
  const words = Object.fromEntries(lines.map((line) => line.split(' '))) as Record<string, string>;
  const text = (word: string) => Buffer.from(words[word] ?? '', 'base64').toString('utf8');
  return { request: text('request'), token: text('token'), env: text('env') };
}
