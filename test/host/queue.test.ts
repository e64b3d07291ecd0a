import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(300_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

describe('several runs at once', () => {
  let stage: Stage;
  beforeEach(async () => {
    // sshd's own default, which turns some of many newcomers away.
    stage = await startStage({ sshd: { extraConfig: ['MaxStartups 10:30:100'] } });
  });
  afterEach(async () => stage?.stop());

  test('20 at once end in 20 consistent lines of the ledger and one live release', async () => {
    const commits = Array.from({ length: 20 }, (_, at) => ({ version: `v${at}`, sha: stage.repo.commit({ version: `v${at}` }) }));
    // Not in the order of the commits: an older one may come after a newer one, and is skipped then.
    const runs = await Promise.all(commits.map(({ sha }, at) => stage.deploy(sha, { 'lock-timeout': '4m' }, { env: { GITHUB_RUN_ID: String(100 + at) } })));
    for (const { code, log } of runs) expect([code, code ? log : '']).toEqual([0, '']);
    const ledger = stage.ledger();
    expect(ledger).toHaveLength(20);
    expect(new Set(ledger.map(({ sha }) => sha))).toEqual(new Set(commits.map(({ sha }) => sha)));
    let live = '';
    for (const line of ledger) {
      expect(['success', 'skipped']).toContain(line.outcome);
      if (line.outcome === 'success') live = line.release;
      expect(line.liveRelease).toBe(live);
    }
    // Whoever came when the newest was live already was skipped: it is what is live.
    expect(await stage.ask()).toEqual({ status: 200, body: 'v19' });
    expect(['blue', 'green'].filter((slot) => isAlive(stage.pid(slot)))).toEqual([stage.live()]);
    expect(readdirSync(join(stage.root, 'releases')).length).toBeLessThanOrEqual(5);
  });

  test('whoever waits is shown who holds the lock, since when and for how long', async () => {
    const marker = (name: string) => join(stage.dir, name);
    const first = stage.deploy(stage.repo.commit({ version: 'one' }), { install: `touch ${marker('in')}; while [ ! -e ${marker('go')} ]; do sleep 0.05; done` }, { env: { GITHUB_RUN_ID: '77' } });
    await until(() => existsSync(marker('in')), 'the first one is at work');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    let shown = '';
    const second = stage.deploy(stage.repo.commit({ version: 'two' }), {}, { onOutput: (text: string) => (shown += text) });
    await until(() => shown.includes('waiting for the lock'), 'the second one waits');
    writeFileSync(marker('go'), '');
    expect((await first).code).toBe(0);
    expect((await second).code).toBe(0);
    expect(shown).toMatch(/waiting for the lock: held by deploy of [0-9a-f]{40} by ada https:\/\/github\.com\/acme\/shop\/actions\/runs\/77\S*, since \d{4}-\d\d-\d\dT[\d:]{8}Z, for [1-9]\d* s/);
  });

  test('three deploys, six that fail, three deploys: what was live stays to go back to, what failed does not', async () => {
    const good = async (version: string) => expect((await stage.deploy(stage.repo.commit({ version }), { 'keep-releases': '3' })).code).toBe(0);
    const bad = async (how: { crash?: boolean; unhealthy?: boolean }, more = {}) =>
      expect((await stage.deploy(stage.repo.commit({ version: 'bad', ...how }), { 'keep-releases': '3', 'health-timeout': '1s', ...more })).code).toBe(1);
    for (const version of ['g1', 'g2', 'g3']) await good(version);
    for (let count = 0; count < 2; count++) {
      await bad({ crash: true });
      await bad({ unhealthy: true });
      await bad({}, { install: 'false' });
    }
    // One that failed last may lie in the idle slot.
    expect(readdirSync(join(stage.root, 'releases')).length).toBeLessThanOrEqual(4);
    for (const version of ['g4', 'g5', 'g6']) await good(version);
    const left = readdirSync(join(stage.root, 'releases')).sort();
    const wereLive = stage.ledger().filter(({ outcome }) => outcome === 'success').map(({ release }) => release);
    expect(left).toEqual(wereLive.slice(-3).sort());
    expect((await stage.rollback()).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'g5' });
  });
});
