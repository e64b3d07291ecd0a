import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startLoad } from '../../testbed/load.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(180_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Load = ReturnType<typeof startLoad>;

/** A short form of bench/traffic.mjs: the same visitors, fewer switches. */
const visitors = { connections: 24, pauseMs: 2, delayMs: 50, longMs: 2000, long: 2, streams: 2, uploads: 2, events: 2, websockets: 2, endless: 1, seconds: 150 };
const drainS = 3;

describe('switches under traffic lose no request', () => {
  let stage: Stage | undefined;
  let load: Load | undefined;

  afterEach(async () => {
    load?.kill();
    await stage?.stop();
    load = undefined;
    stage = undefined;
  });

  test.each([
    { listen: 'port', instant: true, deploys: 3, rollbacks: 1 },
    { listen: 'socket', instant: 'socket', deploys: 2, rollbacks: 1 },
  ] as const)('switch: instant, listen: $listen', async ({ listen, instant, deploys, rollbacks }) => {
    stage = await startStage({ instant });
    const { root, repo } = stage;
    const inputs = { switch: 'instant', listen, 'drain-timeout': `${drainS}s` };
    const options = { graceful: false, listen };
    const workers = () => stage?.nginx.errors().split('signal 1 (SIGHUP) received').length;
    const done = (run: { code: number | null; log: string }, version: string) => {
      expect(run.log).toMatch(/live -> slots.* in /);
      expect(run.code).toBe(0);
      load?.switched({ at: Number(lstatSync(join(root, 'live'), { bigint: true }).ctimeNs) / 1e6, version, limitMs: drainS * 1000 });
    };
    expect(await stage.deploy(repo.commit({ version: 'v0', ...options }), inputs)).toMatchObject({ code: 0 });
    const reloads = workers();
    load = startLoad({ port: stage.ports.site, ...visitors, versions: ['v0'] });
    await load.reached(500);
    for (let count = 1; count <= deploys; count++) {
      load.expect(`v${count}`);
      // The last ones leave the release before on standby, for the rollback.
      const standby = String(count > deploys - rollbacks);
      done(await stage.deploy(repo.commit({ version: `v${count}`, ...options }), { ...inputs, standby }), `v${count}`);
    }
    done(await stage.rollback({ ...inputs, standby: 'true' }), `v${deploys - 1}`);
    await sleep(1500);
    const counts = await load.stop();
    expect(counts.failures).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, keepaliveCloses: 0, last: `v${deploys - 1}` });
    expect(counts.served).toBeGreaterThan(3000);
    // Each release had visitors, from the switch on, and nobody got the one before any more.
    expect(Object.keys(counts.versions)).toHaveLength(deploys + 1);
    expect(counts.figures?.firstAnswerMs).toHaveLength(deploys + rollbacks);
    for (const ms of counts.figures?.firstAnswerMs ?? []) expect(ms).toBeLessThan(1000);
    expect(counts.figures).toMatchObject({ staleAnswers: 0, earlyAnswers: {} });
    for (const kind of ['long', 'stream', 'upload', 'events', 'WebSocket']) expect(counts.figures?.across[kind]).toBeGreaterThan(0);
    expect(counts.cutAtLimit).toBeGreaterThan(0);
    expect(workers()).toBe(reloads);
  });
});
