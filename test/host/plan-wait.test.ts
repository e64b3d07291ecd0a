import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startSession } from '../../src/engine/session.js';
import { isAlive, until } from '../../testbed/processes.mjs';
import { run, settingsOf, sha } from '../unit/engine/facts.js';

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-plan-')));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Processes of this test's agent. */
const left = () =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && isAlive(Number(pid)) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`BLUEGREEN_TEST=${dir}`);
    } catch {
      return false;
    }
  });

// The moment between facts and plan is short: here it lasts, as no plan is sent.
test.each(['SIGKILL to the agent', 'the input ends'])('%s while it waits for its plan: nothing of it is left', async (death) => {
  const root = join(dir, 'shop');
  mkdirSync(root);
  const settings = settingsOf({ root, repository: join(dir, 'none.git'), ref: sha('a'), 'nginx-command': 'true' });
  let agent: ReturnType<typeof spawn> | undefined;
  const connection = {
    hostFingerprint: '',
    close: () => agent?.stdin?.end(),
    onLost: () => {},
    exec: (command: string) => {
      agent = spawn('sh', ['-c', command], { env: { PATH: process.env.PATH, HOME: dir, BLUEGREEN_TEST: dir } });
      const one = agent;
      const closed = new Promise<{ code: number | null; signal: string | null }>((resolve) => one.once('exit', (code, signal) => resolve({ code, signal })));
      return Promise.resolve({ stdin: one.stdin as NonNullable<typeof one.stdin>, stdout: one.stdout as NonNullable<typeof one.stdout>, stderr: one.stderr as NonNullable<typeof one.stderr>, closed });
    },
  };
  let surveyed = false;
  const session = await startSession(connection, 'deploy', settings, run, { message: ({ type }) => void (surveyed ||= type === 'facts'), output: () => {} });
  await until(() => surveyed, 'the survey');
  await until(() => left().some((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('cat\0') && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/plan')), 'it waits for its plan');
  if (death === 'the input ends') agent?.stdin?.end();
  else agent?.kill('SIGKILL');
  await session.closed;
  agent?.stdin?.end();
  await until(() => left().length === 0, 'all of it has ended', 10_000);
  expect(left()).toEqual([]);
});
