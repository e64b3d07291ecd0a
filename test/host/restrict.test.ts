import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(120_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

let stage: Stage;
afterEach(async () => stage?.stop());

/** Lets the key in with these options before it, and in no other way. */
function keyWith(options: string): void {
  const file = join(stage.dir, 'ssh', 'authorized_keys');
  const key = readFileSync(file, 'utf8').trim();
  expect(key).toMatch(/^ssh-ed25519 \S+ testbed$/);
  writeFileSync(file, `${options} ${key}\n`);
}

describe.each([
  ['instant', true],
  ['reload', false],
])('options of the key in authorized_keys, switch: %s', (_name, instant) => {
  test('restrict and from: plan, two deploys, status, a rollback', async () => {
    stage = await startStage({ instant });
    keyWith('restrict,from="127.0.0.1"');
    const [one, two] = ['one', 'two'].map((version) => stage.repo.commit({ version }));
    const more = { env: 'SECRET=s3cret', install: 'echo "tty: $(tty || true)" > tty.txt' };
    expect((await stage.deploy(one ?? '', { ...more, command: 'plan' })).code).toBe(0);
    const first = await stage.deploy(one ?? '', more);
    expect(first.log).toContain('is live on green');
    expect(readFileSync(join(stage.root, 'slots/green/release/tty.txt'), 'utf8')).toContain('not a tty');
    expect((await stage.deploy(two ?? '', more)).code).toBe(0);
    expect(await stage.ask()).toEqual({ status: 200, body: 'two' });
    const status = await stage.deploy('', { command: 'status' });
    expect(status.code).toBe(0);
    expect(JSON.parse(status.outputs.status ?? '')).toMatchObject({ live: 'blue', slots: { blue: { processes: 1 } } });
    const back = await stage.rollback();
    expect(back.log).toContain('rolled back');
    expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    // The options were in force all the time.
    const { host, port, user, keyFile } = stage.sshd;
    const ssh = ['-F', 'none', '-i', keyFile, '-p', String(port), '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
    const asked = spawnSync('ssh', [...ssh, '-tt', `${user}@${host}`, 'true'], { encoding: 'utf8' });
    expect(asked.stderr).toContain('PTY allocation request failed');
  });
});

test('from another address: the login is refused, and nothing was changed', async () => {
  stage = await startStage();
  keyWith('restrict,from="192.0.2.1"');
  const run = await stage.deploy(stage.repo.commit({ version: 'one' }));
  expect(run.code).toBe(1);
  expect(run.log).toMatch(/did not let|refused|not accepted|denied/i);
  expect(stage.live()).toBe('');
});

test('a forced command gets what the action sends, and runs it if it is a shell: it narrows nothing, and another one ends the deploy', async () => {
  stage = await startStage();
  keyWith('restrict,command="eval \\"$SSH_ORIGINAL_COMMAND\\""');
  expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
  await stage.stop();
  stage = await startStage();
  keyWith('restrict,command="true"');
  const run = await stage.deploy(stage.repo.commit({ version: 'one' }));
  expect(run.code).toBe(1);
  expect(stage.live()).toBe('');
});
