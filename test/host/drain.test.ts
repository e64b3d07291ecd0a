import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startLoad } from '../../testbed/load.mjs';
import { isAlive } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Load = ReturnType<typeof startLoad>;
type Counts = Awaited<ReturnType<Load['stop']>>;

const kinds = ['long', 'stream', 'upload', 'events', 'WebSocket'] as const;
const modes = [
  { name: 'switch: reload', instant: false, inputs: { switch: 'reload' }, listen: 'port' },
  { name: 'switch: instant', instant: true, inputs: { switch: 'instant' }, listen: 'port' },
  { name: 'switch: instant, listen: socket', instant: 'socket', inputs: { switch: 'instant', listen: 'socket' }, listen: 'socket' },
] as const;

describe.each(modes)('drain, with $name', ({ instant, inputs, listen }) => {
  let stage: Stage;
  let load: Load | undefined;

  beforeAll(async () => {
    stage = await startStage({ instant });
    expect(await deploy('v0')).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    load?.kill();
    await stage?.stop();
  });

  /** An app that ends at once when it is told to: what the deploy does not wait for is lost. */
  const deploy = (version: string, more: Record<string, string> = {}) => stage.deploy(stage.repo.commit({ version, graceful: false, listen }), { ...inputs, ...more });

  /** Deploys in the midst of such visitors, and gives what became of both. */
  async function deployAmong(version: string, visitors: Omit<Parameters<typeof startLoad>[0], 'port'>, drain: number): Promise<{ run: Awaited<ReturnType<typeof deploy>>; counts: Counts }> {
    const before = (await stage.ask()).body;
    load = startLoad({ port: stage.ports.site, connections: 0, seconds: 60, ...visitors, versions: [before, version] });
    await load.reached(1);
    const run = await deploy(version, { 'drain-timeout': `${drain}s` });
    expect(run.log).toContain('is live on');
    load.switched({ at: Number(lstatSync(join(stage.root, 'live'), { bigint: true }).ctimeNs) / 1e6, version, limitMs: drain * 1000 });
    const counts = await load.stop();
    load = undefined;
    return { run, counts };
  }

  describe('what ends inside the limit', () => {
    let run: Awaited<ReturnType<typeof deploy>>;
    let counts: Counts;
    let old = 0;

    beforeAll(async () => {
      old = stage.pid(stage.live());
      ({ run, counts } = await deployAmong('v1', { longMs: 3000, long: 4, streams: 4, uploads: 4, events: 4, websockets: 4 }, 20));
    });

    test.each(kinds)('ends well: %s', (kind) => {
      expect(counts.failures.filter(({ visitor }) => visitor === kind)).toEqual([]);
      expect(counts.kinds[kind]?.failed).toBe(0);
      // Some of them had begun before the switch and ended after it.
      expect(counts.figures?.across[kind]).toBeGreaterThan(0);
    });

    test('is waited for, and then the old app is stopped', () => {
      const drain = (JSON.parse(run.outputs.steps ?? '[]') as { name: string; ms: number }[]).find(({ name }) => name === 'drain');
      expect(drain?.ms).toBeGreaterThan(300);
      expect(drain?.ms).toBeLessThan(19_000);
      expect(run.log).not.toContain('are cut');
      expect(isAlive(old)).toBe(false);
    });
  });

  test('what is without end is cut at the limit, not before, and counted in a warning', async () => {
    const { run, counts } = await deployAmong('v2', { websockets: 0, endless: 2, long: 1, longMs: 1000 }, 3);
    expect(counts).toMatchObject({ failed: 0, cutAtLimit: 4 });
    const warning = run.log.split('\n').find((line) => line.startsWith('! drain')) ?? '';
    expect(warning).toMatch(/after 3 s .*that are cut: 4 \(setting drain-timeout\)/);
    expect(run.code).toBe(0);
  });
});
