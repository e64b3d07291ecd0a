import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isAlive } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

describe('deploys and rollbacks on a real sshd, nginx and git', () => {
  let stage: Stage;
  const shas: string[] = [];
  const releases: string[] = [];

  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(async () => stage?.stop());

  const filesOf = (release: string) => join(stage.root, 'releases', release);

  test('the first deploy takes the slot that nginx does not use, and becomes live', async () => {
    shas.push(stage.repo.commit({ version: 'one' }));
    const run = await stage.deploy(shas[0] ?? '');
    expect(run.log).toContain('is live on green');
    expect(run.code).toBe(0);
    expect(run.outputs).toMatchObject({ sha: shas[0], slot: 'green', port: String(stage.ports.green), switched: 'true', 'previous-release': '' });
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    expect(readlinkSync(join(stage.root, 'live'))).toBe('slots/green');
    expect(stage.nginx.read()).toContain(`server 127.0.0.1:${stage.ports.green};`);
    releases.push(run.outputs.release ?? '');
  });

  test('the second deploy takes the other slot, and the first one is stopped', async () => {
    const before = stage.pid('green');
    const config = stage.nginx.read();
    shas.push(stage.repo.commit({ version: 'two' }));
    const run = await stage.deploy(shas[1] ?? '');
    expect(run.code).toBe(0);
    expect(run.outputs).toMatchObject({ slot: 'blue', 'previous-release': releases[0] });
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    expect(isAlive(before)).toBe(false);
    expect((await stage.askPort(stage.ports.green)).status).toBe(0);
    // The edit changed the port and nothing else.
    expect(stage.nginx.read()).toBe(config.replace(String(stage.ports.green), String(stage.ports.blue)));
    releases.push(run.outputs.release ?? '');
  });

  test('a release holds the commit, its mark of completeness, and no history', () => {
    const dir = filesOf(releases[1] ?? '');
    expect(readdirSync(dir).sort()).toEqual(['.release.json', 'release.json', 'server.mjs', 'websocket.mjs']);
    expect(JSON.parse(readFileSync(join(dir, '.release.json'), 'utf8'))).toMatchObject({ id: releases[1], sha: shas[1], actor: 'ada' });
  });

  test("the root's files are the user's alone to write, and env is for nobody else to read", () => {
    expect(statSync(stage.root).mode & 0o022).toBe(0);
    expect(statSync(join(stage.root, 'slots/blue/env')).mode & 0o777).toBe(0o600);
    expect(statSync(join(stage.root, 'run')).mode & 0o777).toBe(0o700);
    expect(existsSync(join(stage.root, 'slots/blue/blue'))).toBe(true);
    expect(readlinkSync(join(stage.root, 'slots/blue/release'))).toBe(`../../releases/${releases[1]}`);
  });

  test('a rollback puts the release before live again, and a second one says that there is none', async () => {
    const run = await stage.rollback();
    expect(run.code).toBe(0);
    expect(run.outputs).toMatchObject({ release: releases[0], sha: shas[0] });
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    const again = await stage.rollback();
    expect(again.code).toBe(1);
    expect(again.log).toContain(`there is no release before ${releases[0]} to roll back to`);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('a rollback goes to a release by its name, and refuses one that never was live', async () => {
    const run = await stage.rollback({ release: releases[1] });
    expect(run.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const failed = await stage.deploy(stage.repo.commit({ version: 'broken', crash: true }));
    expect(failed.code).toBe(1);
    const never = await stage.rollback({ release: failed.outputs.release });
    expect(never.code).toBe(1);
    expect(never.log).toMatch(/never was live/);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('a commit that is older than the live one is skipped, unless it is wanted', async () => {
    const skipped = await stage.deploy(shas[0] ?? '');
    expect(skipped.code).toBe(0);
    expect(skipped.log).toContain('allow-older');
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const wanted = await stage.deploy(shas[0] ?? '', { 'allow-older': 'true' });
    expect(wanted.code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('a branch, a tag and the first digits of a commit are found', async () => {
    const sha = stage.repo.commit({ version: 'three' });
    stage.repo.git('tag', '-a', 'v3', '-m', 'three');
    stage.repo.git('push', '-q', 'origin', 'v3');
    for (const ref of ['main', 'v3', sha.slice(0, 8)]) {
      const run = await stage.deploy('', { ref });
      expect(run.log).toContain('is live');
      expect(run.outputs.sha).toBe(sha);
    }
    const missing = await stage.deploy('', { ref: 'no-such-branch' });
    expect(missing.code).toBe(1);
    expect(missing.log).toContain('has no branch, tag or commit no-such-branch');
  });

  test('old releases go, never the live one nor the one before it', async () => {
    const sha = stage.repo.commit({ version: 'four' });
    const run = await stage.deploy(sha, { 'keep-releases': '1' });
    const kept = readdirSync(join(stage.root, 'releases'));
    expect(kept.sort()).toEqual([run.outputs.release, run.outputs['previous-release']].sort());
  });

  test('the ledger has a line for each deploy and rollback, with its end and its steps', () => {
    const ledger = stage.ledger();
    expect(ledger.map(({ command, outcome }) => `${command} ${outcome}`)).toEqual([
      'deploy success',
      'deploy success',
      'rollback success',
      'rollback success',
      'deploy failed',
      'deploy skipped',
      'deploy success',
      'deploy success',
      'deploy success',
      'deploy success',
      'deploy success',
    ]);
    expect(ledger[0]).toMatchObject({ sha: shas[0], actor: 'ada', release: releases[0], liveRelease: releases[0] });
    expect(ledger[0]?.steps.map(({ name }) => name)).toEqual(['lock', 'reconcile', 'survey', 'clone', 'start', 'health', 'switch', 'verify', 'prune']);
    expect(lstatSync(join(stage.root, 'live')).isSymbolicLink()).toBe(true);
  });

  test('plan and status change nothing', async () => {
    const before = { config: stage.nginx.read(), ledger: stage.ledger().length, releases: readdirSync(join(stage.root, 'releases')), pids: [stage.pid('blue'), stage.pid('green')] };
    const plan = await stage.deploy(stage.repo.commit({ version: 'five' }), { command: 'plan' });
    expect(plan.code).toBe(0);
    expect(plan.summary).toContain('bg_step_switch');
    const status = await stage.deploy('', { command: 'status' });
    expect(status.code).toBe(0);
    expect(status.summary).toContain('(live)');
    expect({ config: stage.nginx.read(), ledger: stage.ledger().length, releases: readdirSync(join(stage.root, 'releases')), pids: [stage.pid('blue'), stage.pid('green')] }).toEqual(before);
  });
});
