import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startGitHub } from '../../testbed/github.mjs';
import { isAlive } from '../../testbed/processes.mjs';
import { startProxy } from '../../testbed/proxy.mjs';
import { runPost } from '../../testbed/runner.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { heldIn } from './held.js';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

// Rule 7: a cancelled or abandoned run aborts before the switch and finishes after it.
describe('a run that is cancelled, or loses its line', () => {
  let stage: Stage;
  let live = '';

  beforeAll(async () => {
    stage = await startStage();
    expect((await stage.deploy(stage.repo.commit({ version: 'v0' }))).code).toBe(0);
  });
  afterAll(async () => stage?.stop());
  beforeEach(async () => {
    live = (await stage.ask()).body;
  });

  const { marker, waiting, reached, letOn, lockIsFree } = heldIn(() => stage);

  const begin = (version: string, more: Record<string, string>) => {
    let child: ChildProcess | undefined;
    const done: Promise<Run> = stage.deploy(stage.repo.commit({ version }), more, { onStart: (started: ChildProcess) => (child = started) });
    return { done, signal: (name: NodeJS.Signals) => child?.kill(name) };
  };

  test('SIGINT during install: ended within a second or two, nothing changed, reported as cancelled', async () => {
    const run = begin('v1', { install: `echo $$ > ${marker('install.pid')}; ${waiting('install')}` });
    await reached('install');
    const pid = Number(readFileSync(marker('install.pid'), 'utf8'));
    const at = performance.now();
    run.signal('SIGINT');
    const { code, log } = await run.done;
    expect(performance.now() - at).toBeLessThan(5000);
    expect(code).toBe(1);
    expect(log).toContain('cancelled before the switch');
    expect(isAlive(pid)).toBe(false);
    expect(await stage.ask()).toEqual({ status: 200, body: live });
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'aborted' });
    await lockIsFree();
  });

  test('SIGTERM after the switch: the host finishes, and that is what is reported', async () => {
    const run = begin('v2', { 'after-switch': waiting('after') });
    await reached('after');
    run.signal('SIGTERM');
    letOn('after');
    const { code, log } = await run.done;
    expect(log).toContain('is live on');
    expect(code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'v2' });
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'success' });
  });

  test('the runner kills before the host has decided: the post step reads the ledger and corrects the check run', async () => {
    const github = await startGitHub({ token: 'gh-token' });
    try {
      const env = { GITHUB_API_URL: github.url, GITHUB_RUN_ID: '900' };
      const inputs = { 'github-token': 'gh-token', 'after-switch': waiting('killed') };
      let child: ChildProcess | undefined;
      const sha = stage.repo.commit({ version: 'v3' });
      const done = stage.deploy(sha, inputs, { env, onStart: (started: ChildProcess) => (child = started) });
      await reached('killed');
      child?.kill('SIGKILL');
      const main = await done;
      expect(main.signal).toBe('SIGKILL');
      expect(github.checkRuns.at(-1)).toMatchObject({ status: 'in_progress' });
      letOn('killed');
      const post = await runPost({ ...stage.inputs, ref: sha, ...inputs }, main.state, { env: { ...env, GITHUB_SHA: sha } });
      expect(post.log).toContain('is live; the host finished after the job had ended');
      expect(github.checkRuns.at(-1)).toMatchObject({ status: 'completed', conclusion: 'success' });
      expect(await stage.ask()).toEqual({ status: 200, body: 'v3' });
    } finally {
      await github.close();
    }
  });

  test('cancelled in its very first moment: the post step changes nothing', async () => {
    const sha = stage.repo.commit({ version: 'early' });
    for (const delay of [30, 90, 150]) {
      const lines = stage.ledger().length;
      const main = await stage.deploy(sha, { install: 'sleep 1' }, { onStart: (child: ChildProcess) => void setTimeout(() => child.kill('SIGINT'), delay) });
      expect(main.code).not.toBe(0);
      const post = await runPost({ ...stage.inputs, ref: sha }, main.state, { env: { GITHUB_SHA: sha } });
      expect(post.log).not.toContain('is live on');
      expect((await stage.ask()).body).toBe(live);
      expect(stage.ledger().slice(lines).filter(({ outcome }) => outcome === 'success')).toEqual([]);
    }
  });

  test('the line is cut during install: the host aborts by itself', async () => {
    const proxy = await startProxy({ target: { host: stage.sshd.host, port: stage.sshd.port } });
    try {
      const hosts = { host: `${stage.sshd.user}@127.0.0.1:${proxy.port}`, 'known-hosts': stage.sshd.fingerprint };
      const run = begin('v4', { ...hosts, retries: '0', install: `echo $$ > ${marker('cut.pid')}; ${waiting('cut')}` });
      await reached('cut');
      proxy.cut();
      const { code, log } = await run.done;
      expect(code).toBe(1);
      expect(log).toContain('the line to the host was lost during the step install');
      await lockIsFree();
      expect(isAlive(Number(readFileSync(marker('cut.pid'), 'utf8')))).toBe(false);
      expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'aborted' });
      expect(await stage.ask()).toEqual({ status: 200, body: live });
    } finally {
      await proxy.close();
    }
  });

  test('the line is cut after the switch: the host finishes, and the action reports what is live', async () => {
    const proxy = await startProxy({ target: { host: stage.sshd.host, port: stage.sshd.port } });
    try {
      const hosts = { host: `${stage.sshd.user}@127.0.0.1:${proxy.port}`, 'known-hosts': stage.sshd.fingerprint };
      const run = begin('v5', { ...hosts, 'after-switch': waiting('late') });
      await reached('late');
      proxy.cut();
      letOn('late');
      const { code, log } = await run.done;
      expect(log).toContain('is live on');
      expect(code).toBe(0);
      expect(await stage.ask()).toEqual({ status: 200, body: 'v5' });
      expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'success' });
      expect(isAlive(stage.pid(stage.live() === 'blue' ? 'green' : 'blue'))).toBe(false);
    } finally {
      await proxy.close();
    }
  });

  test('a second run waits for the lock and says who holds it; cancelled while it waits, it leaves no trace', async () => {
    const first = begin('v6', { install: waiting('first') });
    await reached('first');
    const lines = stage.ledger().length;
    const second = begin('v7', {});
    const waiter = begin('v8', { 'lock-timeout': '1s' });
    const late = await waiter.done;
    expect(late.code).toBe(1);
    expect(late.log).toContain('the lock is still held after 1 s, by deploy of ');
    expect(late.log).toContain('by ada');
    second.signal('SIGINT');
    const cancelled = await second.done;
    expect(cancelled.log).toContain('waiting for the lock: held by deploy of');
    expect(cancelled.log).toContain('nothing was changed');
    expect(stage.ledger()).toHaveLength(lines);
    letOn('first');
    expect((await first.done).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'v6' });
  });
});
