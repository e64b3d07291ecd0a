import { spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { until } from '../../testbed/processes.mjs';
import { startProxy } from '../../testbed/proxy.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { heldIn } from './held.js';

jest.setTimeout(180_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

// The fault matrix has every moment; here is what is said, and the settings that change it.
describe('a line that is lost', () => {
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

  type Proxy = Awaited<ReturnType<typeof startProxy>>;
  const throughProxy = async (version: string, more: Record<string, string>, act: (proxy: Proxy, child: ChildProcess) => Promise<void>) => {
    const proxy = await startProxy({ target: { host: stage.sshd.host, port: stage.sshd.port } });
    try {
      let child: ChildProcess | undefined;
      const hosts = { host: `${stage.sshd.user}@127.0.0.1:${proxy.port}`, 'known-hosts': stage.sshd.fingerprint };
      const run = stage.deploy(stage.repo.commit({ version }), { ...hosts, ...more }, { onStart: (started: ChildProcess) => (child = started) });
      await act(proxy, child as unknown as ChildProcess);
      return await run;
    } finally {
      await proxy.close();
    }
  };

  test('retries: 0: the host aborts, and the run ends as failed', async () => {
    const run = await throughProxy('v1', { retries: '0', install: waiting('none') }, async (proxy) => {
      await reached('none');
      proxy.cut();
    });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the line to the host was lost during the step install');
    expect(run.log).toContain('Settings that change it: retries, lease');
    expect(run.log).toMatch(/failed at install; release \S+ is live, as before/);
    expect(run.log).not.toContain('begun anew');
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'aborted' });
    expect(await stage.ask()).toEqual({ status: 200, body: live });
  });

  test('lost in before-switch: begun anew, and said that it runs twice; in the ledger there are two runs', async () => {
    const lines = stage.ledger().length;
    const run = await throughProxy('v2', { 'before-switch': `echo once >> ${marker('count')}; ${waiting('twice')}` }, async (proxy) => {
      await reached('twice');
      letOn('twice');
      proxy.cut();
    });
    expect(run.code).toBe(0);
    expect(run.log).toContain('nothing was switched: the run is begun anew (setting retries). The before-switch command had begun and runs once more.');
    const runs = stage.ledger().slice(lines) as unknown as { outcome: string; run: string }[];
    expect(runs.map(({ outcome }) => outcome)).toEqual(['aborted', 'success']);
    expect(runs[1]?.run).toBe(`${runs[0]?.run}.1`);
    // What a later step asks for is the run that counts.
    expect(run.state.run).toBe(runs[1]?.run);
    expect(run.summary).toContain('begun anew');
    expect(await stage.ask()).toEqual({ status: 200, body: 'v2' });
  });

  test('retries are as many as are set, and no more', async () => {
    let cuts = 0;
    const run = await throughProxy('v3', { retries: '2', install: `echo $$ >> ${marker('tries')}; sleep 30` }, async (proxy) => {
      for (let count = 0; count < 3; count++) {
        await until(() => spawnSync('sh', ['-c', `wc -l < ${marker('tries')}`], { encoding: 'utf8' }).stdout.trim() === String(count + 1), `try ${count + 1}`, 60_000);
        proxy.cut();
        cuts++;
      }
    });
    expect(cuts).toBe(3);
    expect(run.code).toBe(1);
    expect(run.log.match(/the run is begun anew/g)?.length).toBeGreaterThanOrEqual(2);
    expect(stage.ledger().slice(-3).map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted', 'aborted']);
    expect(await stage.ask()).toEqual({ status: 200, body: live });
  });

  test('a frozen line, while the step prints without end: both sides give it up, and nothing hangs', async () => {
    const run = await throughProxy('v4', { lease: '1s', retries: '0', install: `touch ${marker('flood')}; yes endless` }, async (proxy) => {
      await reached('flood');
      proxy.freezeOpen();
    });
    expect(run.code).toBe(1);
    expect(run.log).toContain('the line to the host was lost during the step install');
    await lockIsFree();
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'aborted' });
    await until(() => !readdirSync(join(stage.root, 'run')).some((name) => /^(step|pipes)\./.test(name)), 'nothing is left in run/');
  });

  test('a line that freezes after the switch, while the step prints a lot: the host finishes, and that is reported', async () => {
    const run = await throughProxy('v5', { lease: '1s', 'after-switch': `touch ${marker('late')}; head -c 5000000 /dev/zero | tr '\\0' x` }, async (proxy) => {
      await reached('late');
      proxy.freezeOpen();
    });
    expect(run.code).toBe(0);
    expect(run.log).toContain('the line was lost after the switch, and the host finished by itself');
    expect(await stage.ask()).toEqual({ status: 200, body: 'v5' });
    expect(stage.ledger().at(-1)).toMatchObject({ outcome: 'success' });
  });

  test('a line that is only slow is not given up', async () => {
    const run = await throughProxy('v6', { lease: '1s', install: 'sleep 4' }, async () => {});
    expect(run.code).toBe(0);
    expect(run.log).not.toContain('was lost');
  });

  test('a host that cannot be reached any more: what is not known is not claimed', async () => {
    const run = await throughProxy('v7', { install: waiting('gone') }, async (proxy) => {
      await reached('gone');
      // Nobody listens there from now on, for longer than is tried.
      await proxy.close();
    });
    expect(run.code).toBe(1);
    expect(run.log).toContain('what became of the run could not be asked: ');
    expect(run.log).toContain('the host decides by itself what is live, and the next run mends what is left');
    await lockIsFree();
    expect(await stage.ask()).toEqual({ status: 200, body: live });
  });
});
