import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startHostile } from './hostile-bed.js';

jest.setTimeout(120_000);

type Run = Awaited<ReturnType<Awaited<ReturnType<typeof startHostile>>['run']>>;

/** What a run may need more than one that goes well, in KiB: what comes without bound may not stay. */
const MORE_MEMORY = 160 * 1024;

// The agent's place is taken by a program that says what it likes.
describe('what answers in place of the agent', () => {
  let hostile: Awaited<ReturnType<typeof startHostile>>;
  let usual = 0;

  beforeAll(async () => {
    hostile = await startHostile();
    const run = await hostile.run('does as it was told');
    // If this one did not go well, the others would fail for reasons of their own.
    expect(run.log).toMatch(/✓ shop: release \d{8}T\d{6}Z-aaaaaaa \(aaaaaaa\) is live on green/);
    expect(run.code).toBe(0);
    usual = run.peakKiB;
  });
  afterAll(async () => hostile?.stop());

  function expectFailure(run: Run, why: RegExp): void {
    expect({ signal: run.signal, code: run.code }).toEqual({ signal: null, code: 1 });
    const error = run.log.split('\n').filter((line) => line.startsWith('::error::')).join('\n');
    expect(error).toMatch(why);
    expect(error.length).toBeLessThan(40_000);
    expect(run.log).not.toMatch(/is live on|bluegreen has a defect|^\s+at .*\.js:\d+/m);
    expect(run.outputs).toMatchObject({ switched: 'false' });
    expect(Buffer.byteLength(run.summary)).toBeLessThan(1024 * 1024);
    expect(run.summary).toContain('❌ shop: ');
    expect(run.peakKiB).toBeGreaterThan(0);
    expect(run.peakKiB - usual).toBeLessThan(MORE_MEMORY);
  }

  const noStart = /the agent did not start on the host \(exit status (\d+|none)\)/;
  const notAgent = (why: string) => new RegExp(`does not speak as the agent does: ${why}`);
  const unreadable = /what the host tells of itself cannot be read/;

  const behaviours: [string, RegExp][] = [
    ['says nothing and ends', noStart],
    ['ends by a signal', noStart],
    ['complains without end', noStart],
    ['talks garbage', /the agent did not start|something else than the agent talks without end/],
    ['begins, and talks garbage', noStart],
    ['cuts a message off', noStart],
    ['cuts the end off', noStart],
    ['talks without end before the first word', notAgent('something else than the agent talks without end')],
    ['talks without end and without lines', notAgent('something else than the agent talks without end')],
    ['sends a message without end', notAgent('the agent sent a message without an end')],
    ['sends facts without end', notAgent('the agent sent a message without an end')],
    ['sends facts that are no base64', unreadable],
    ['sends facts that are garbage', unreadable],
    ['sends facts that are empty', unreadable],
    ['sends a bomb as facts', unreadable],
    ['sends its facts over and over', notAgent('it tells its facts more than once')],
    ['says success before anything', notAgent('it says "success" of what it was not asked to do')],
    ['says success without a plan', notAgent('it says "success" of what it was not asked to do')],
    ['says that it has looked, of a deploy', notAgent('it says "looked" of what it was not asked to do')],
    ['says that there was nothing to do', notAgent('it says "skipped" of what it was not asked to do')],
    ['says failed, and success after it', /nothing is live/],
    ['ends steps that were not begun', /nothing is live/],
    ['begins steps without end', notAgent('the host tells of more steps than there are')],
    ['names its steps as commands', /nothing is live/],
    ['notes without end', /the step install ended with status 1/],
    ['has problems without end', /wwww…/],
    ['prints in a step, and goes without a word', /the line to the host was lost during the step install/],
  ];
  test.each(behaviours)('%s', async (behaviour, why) => {
    const run = await hostile.run(behaviour);
    expectFailure(run, why);
    expect(run.outputs.release).toMatch(/^(\d{8}T\d{6}Z-aaaaaaa)?$/);
  });

  const withPlan: [string, RegExp][] = [
    ['says success and names another release', notAgent('it says "success" of what it was not asked to do')],
    ['goes when it has the plan, and its ledger names another run', /the line to the host was lost/],
    ['goes when it has the plan, and its ledger names another release', /the line to the host was lost/],
    ['goes when it has the plan, and then talks without end', /the line to the host was lost/],
  ];
  test.each(withPlan)('%s', async (behaviour, why) => {
    expectFailure(await hostile.run(behaviour), why);
    expect(hostile.heard()).toMatch(/^plan /m);
  });

  test.each(['status', 'plan', 'setup', 'rollback'])('%s: success before anything, or a look that never was, is a failure', async (command) => {
    for (const behaviour of ['says success before anything', 'says failed, and success after it', 'sends facts that are garbage', 'talks without end and without lines']) {
      const run = await hostile.run(behaviour, { command });
      expect({ behaviour, code: run.code, signal: run.signal }).toEqual({ behaviour, code: 1, signal: null });
      expect(run.log).not.toMatch(/bluegreen has a defect|✓ shop: /);
    }
  });

  test('says nothing at all', async () => {
    const run = await hostile.run('says nothing at all', { lease: '1s' });
    expectFailure(run, /the line to the host was lost/);
    // What it does not tell is not taken for "nothing was switched".
    expect(run.log).not.toContain('begun anew');
  }, 120_000);
});
