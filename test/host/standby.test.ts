import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { isAlive, until } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;

const stepNames = (run: Run): string[] => (JSON.parse(run.outputs.steps ?? '[]') as { name: string }[]).map(({ name }) => name);
const kept = { standby: 'true' };

describe.each([
  ['instant', true],
  ['reload', false],
  ['socket', 'socket'],
] as const)('standby, %s', (_name, instant) => {
  let stage: Stage;

  afterEach(async () => stage?.stop());

  const how = instant === 'socket' ? { listen: 'socket' as const } : {};
  const probe = instant ? ['probe'] : [];
  const deploy = (version: string, more: Record<string, string> = kept, extra: object = {}) => stage.deploy(stage.repo.commit({ version, ...how, ...extra }), more);
  const other = () => (stage.live() === 'blue' ? 'green' : 'blue');
  const begin = async (...versions: string[]) => {
    stage = await startStage({ instant });
    for (const version of versions) expect((await deploy(version)).code).toBe(0);
  };

  test('the old slot goes on running; a rollback to it is switch and verify, and there and back again', async () => {
    await begin('one', 'two');
    const [one, two] = [stage.pid(other()), stage.pid(stage.live())];
    expect(isAlive(one)).toBe(true);
    const back = await stage.rollback();
    expect(back.code).toBe(0);
    expect(stepNames(back)).toEqual(['connect', 'lock', 'reconcile', 'survey', ...probe, 'switch', 'verify', 'standby']);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(stage.pid(stage.live())).toBe(one);
    // What was rolled back from is the standby now.
    const forth = await stage.rollback({ release: back.outputs['previous-release'] ?? '' });
    expect(forth.code).toBe(0);
    expect(stepNames(forth)).not.toContain('start');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(stage.pid(stage.live())).toBe(two);
    expect([one, two].map(isAlive)).toEqual([true, true]);
  });

  test('the next deploy stops it, since it needs its slot, and leaves the then old one', async () => {
    await begin('one', 'two');
    const [one, two] = [stage.pid(other()), stage.pid(stage.live())];
    const third = await deploy('three');
    expect(third.code).toBe(0);
    expect(stepNames(third)).toContain('stop-standby');
    expect(isAlive(one)).toBe(false);
    expect(isAlive(two)).toBe(true);
    const fourth = await deploy('four', {});
    expect(fourth.code).toBe(0);
    expect(stepNames(fourth).slice(-3)).toEqual(['drain', 'stop', 'prune']);
    expect(isAlive(two)).toBe(false);
    expect(existsSync(join(stage.root, 'slots', other(), 'standby'))).toBe(false);
  });

  test('one that died meanwhile is started again first', async () => {
    await begin('one', 'two');
    process.kill(-stage.pid(other()), 'SIGKILL');
    await until(() => !isAlive(stage.pid(other())), 'it is dead');
    const back = await stage.rollback();
    expect(back.code).toBe(0);
    expect(stepNames(back)).toEqual(['connect', 'lock', 'reconcile', 'survey', ...probe, 'start', 'health', 'switch', 'verify', 'standby', 'prune']);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });
});

describe('standby at the edges', () => {
  let stage: Stage;

  afterEach(async () => stage?.stop());

  const deploy = (version: string, more: Record<string, string> = kept, extra: object = {}) => stage.deploy(stage.repo.commit({ version, ...extra }), more);
  const other = () => (stage.live() === 'blue' ? 'green' : 'blue');

  test('one that hangs is stopped and started again: a rollback never switches to what is not healthy', async () => {
    stage = await startStage({ instant: true });
    expect((await deploy('one')).code).toBe(0);
    expect((await deploy('two')).code).toBe(0);
    const pid = stage.pid(other());
    process.kill(-pid, 'SIGSTOP');
    const back = await stage.rollback({ 'drain-timeout': '1s', 'stop-timeout': '1s' });
    expect(back.code).toBe(0);
    expect(stepNames(back)).toContain('stop-standby');
    expect(isAlive(pid)).toBe(false);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('what was rolled back to an older release than the standby keeps nothing of it running', async () => {
    stage = await startStage({ instant: true });
    const first = await deploy('one');
    for (const version of ['two', 'three']) expect((await deploy(version)).code).toBe(0);
    const two = stage.pid(other());
    const back = await stage.rollback({ release: first.outputs.release ?? '' });
    expect(back.code).toBe(0);
    expect(stepNames(back)).toEqual(expect.arrayContaining(['stop-standby', 'start', 'drain', 'stop']));
    expect(isAlive(two)).toBe(false);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('a deploy that fails leaves the live app alone, and its standby is gone with its slot', async () => {
    stage = await startStage({ instant: true });
    expect((await deploy('one')).code).toBe(0);
    expect((await deploy('two')).code).toBe(0);
    const two = stage.pid(stage.live());
    expect((await deploy('bad', kept, { crash: true })).code).toBe(1);
    expect(stage.pid(stage.live())).toBe(two);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const back = await stage.rollback();
    expect(back.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('its files are never pruned, and the live app that dies is replaced by it', async () => {
    stage = await startStage({ instant: true });
    for (const version of ['one', 'two', 'three']) expect((await deploy(version, { ...kept, 'keep-releases': '1' })).code).toBe(0);
    const held = readFileSync(join(stage.root, 'slots', other(), 'standby'), 'utf8').trim();
    expect(existsSync(join(stage.root, 'releases', held, '.release.json'))).toBe(true);
    process.kill(-stage.pid(stage.live()), 'SIGKILL');
    await until(() => !isAlive(stage.pid(stage.live())), 'it is dead');
    // nginx's backup line brings the visitors to the standby at once; the next run makes that true.
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const run = await stage.rollback({ release: held });
    expect(run.log).toContain('becomes live');
    expect(run.log).toContain(`release ${held} is live already`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('with the supervisor command it is kept and stopped by its own commands', async () => {
    stage = await startStage({ instant: true });
    const commands = {
      ...kept,
      supervisor: 'command',
      start: `setsid ${process.execPath} server.mjs >/dev/null 2>&1 & echo $! > app.pid; sleep 0.3`,
      stop: 'kill $(cat app.pid)',
    };
    for (const version of ['one', 'two']) expect((await deploy(version, commands)).code).toBe(0);
    expect(await stage.askPort(stage.ports[other()])).toMatchObject({ status: 200, body: 'one' });
    const back = await stage.rollback();
    expect(stepNames(back)).not.toContain('start');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const third = await deploy('three', { ...commands, standby: 'false' });
    expect(third.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'three' });
    expect(await stage.askPort(stage.ports[other()])).toEqual({ status: 0, body: '' });
    // The stage ends what it finds by the slot's pid file; this app has none.
    expect((await stage.deploy(stage.repo.commit({ version: 'end' }), { ...commands, start: 'exit 1', standby: 'false' })).code).toBe(1);
    process.kill(Number(readFileSync(join(stage.root, 'slots', stage.live(), 'release', 'app.pid'), 'utf8')), 'SIGKILL');
  });

  test('both slots found running, none of them a standby: the one that is not live is stopped', async () => {
    stage = await startStage({ instant: true });
    expect((await deploy('one')).code).toBe(0);
    expect((await deploy('two')).code).toBe(0);
    const pid = stage.pid(other());
    // A run that died before it could leave the mark.
    rmSync(join(stage.root, 'slots', other(), 'standby'));
    const run = await deploy('three');
    expect(run.code).toBe(0);
    expect(run.log).toMatch(/the (blue|green) slot ran without being live: stopped/);
    expect(isAlive(pid)).toBe(false);
  });

  test('the link live taken away by hand: the slot that serves is not stopped, and the error says what to do', async () => {
    stage = await startStage({ instant: true });
    expect((await deploy('one', {})).code).toBe(0);
    const link = join(stage.root, 'live');
    rmSync(link);
    const refused = await deploy('two', {});
    expect(refused.code).toBe(1);
    expect(refused.log).toContain(`${link} is missing, and the green slot runs: nothing was stopped`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    symlinkSync('slots/green', link);
    expect((await deploy('two', {})).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('the same commit again is deployed again, on the other slot', async () => {
    stage = await startStage({ instant: true });
    const sha = stage.repo.commit({ version: 'one' });
    for (const slot of ['green', 'blue', 'green']) {
      const run = await stage.deploy(sha, kept);
      expect(run.code).toBe(0);
      expect(run.outputs.slot).toBe(slot);
    }
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });
});
