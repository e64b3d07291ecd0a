import { spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { attack } from '../../testbed/attack.mjs';
import { startGitHub } from '../../testbed/github.mjs';
import { logCommands } from '../../testbed/log-commands.mjs';
import { until } from '../../testbed/processes.mjs';
import { runAction, runPost } from '../../testbed/runner.mjs';
import { newKey, startSshd } from '../../testbed/sshd.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { startHostile } from './hostile-bed.js';

jest.setTimeout(180_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

/** What a run may need more than one that prints nothing, in KiB. */
const MORE_MEMORY = 120 * 1024;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const stepNames = ['connect', 'lock', 'reconcile', 'survey', 'probe', 'clone', 'install', 'stop-standby', 'start', 'health', 'before-switch', 'switch', 'verify', 'bake', 'after-switch', 'drain', 'stop', 'standby', 'prune', 'switch-back', 'setup'];

/** Every command in a log has to be one that the action writes, as it writes it. Gives their names. */
function expectOursOnly(log: string, inputs: Record<string, string>): string[] {
  const commands = logCommands(log);
  const strange = commands.filter(({ command, properties, data }) => {
    switch (command) {
      case 'group': return !stepNames.includes(data);
      case 'endgroup': return data !== '';
      case 'add-mask': return !Object.values(inputs).some((given) => given.includes(data));
      case 'stop-commands': return !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(data);
      case 'resume': return data !== '';
      // Annotations: of a step, titled by us; or the error that ends the run.
      case 'notice': case 'warning': return !/^bluegreen: shop: [a-z-]+( more steps)?$/.test(properties.title ?? '');
      case 'error': return !/^bluegreen: shop: [a-z-]+$/.test(properties.title ?? '') && !/^shop: |^[A-Z0-9]/.test(data);
      default: return true;
    }
  });
  expect(strange).toEqual([]);
  // Not even drawn: the page shows the older form while commands are stopped, too. Colours may stay.
  const shown = log.replace(/^::(error|warning|notice).*$/gm, '');
  expect(shown.match(/.*##\[.*|.*\x1b(?!\[[0-9;]*m).*|.*[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f].*/g)).toBeNull();
  return commands.map(({ command }) => command);
}

/** Markdown in which text from the host is nothing but text: outside of blocks no link, image, HTML, mention; every row has its cells. */
function expectInertMarkdown(markdown: string): void {
  const blocks = /^(`{3,})(text|mermaid|sh)\n[^]*?\n\1$/gm;
  for (const [block] of markdown.matchAll(blocks)) expect(block.split('\n').slice(1, -1).filter((line) => line.startsWith(block.split(/[a-z]/)[0] ?? ''))).toEqual([]);
  const rest = markdown.replace(blocks, '').replace(/\[The workflow's run\]\(https:[^)]*\)[^\n]*/, '');
  expect(rest.match(/:\/\/|www\.|@[a-z0-9]|(?<!\\)!\[|(?<!\\)\]\(|<(?!br>|!-- -->)|(?<!\\)`{3}|(?<!\\)~~|^# pwned/gim)).toBeNull();
  const rows = rest.split('\n').filter((line) => line.startsWith('| '));
  const cells = (row: string): number => row.replace(/\\\|/g, '').split('|').length;
  for (const row of rows) expect([4, 5, 6, 8]).toContain(cells(row));
}

describe('text from the host', () => {
  let hostile: Awaited<ReturnType<typeof startHostile>>;
  beforeAll(async () => {
    hostile = await startHostile();
  });
  afterAll(async () => hostile?.stop());

  test('in output, notes, problems, logs, facts: the runner is told nothing, and the reports show it as text', async () => {
    const github = await startGitHub({ token: 'gh-token-of-the-job' });
    cleanups.push(() => github.close());
    for (const token of ['', 'gh-token-of-the-job']) {
      const inputs = { env: 'A=value-of-a', 'github-token': token, environment: token && 'production' };
      const run = await hostile.run('attacks with all that it says', inputs, { env: { GITHUB_API_URL: github.url, GITHUB_SHA: 'a'.repeat(40) } });
      expect(run.code).toBe(1);
      expect(run.log).toContain('pwned');
      const names = expectOursOnly(run.log, { ...hostile.inputs, ...inputs });
      expect(names).toEqual(expect.arrayContaining(['add-mask', 'group', 'endgroup', 'stop-commands', 'resume', 'error']));
      // All stops were ended.
      expect(names.filter((name) => name === 'resume')).toHaveLength(names.filter((name) => name === 'stop-commands').length);
      expectInertMarkdown(run.summary);
      expect(run.summary).toContain('pwned');
      expect(Object.keys(run.state).sort()).toEqual([...(token ? ['check-run', 'deployment'] : []), 'main', 'reported', 'run', 'started']);
      expect(JSON.stringify([run.outputs, run.state])).not.toContain('pwned');
    }
    const [check] = github.checkRuns;
    expect(check?.conclusion).toBe('failure');
    expectInertMarkdown(check?.output.summary ?? '');
    expectInertMarkdown(check?.output.text ?? '');
    // What GitHub shows as it is must not hold what moves the cursor or hides text.
    expect(JSON.stringify(github.requests)).not.toMatch(/\\u001b|\\u009b|\\b/);
    expect(check?.output.title).not.toContain('\n');
  });

  test.each([['status', 'attacks with all that it says'], ['plan', 'attacks, while no other run is under way']])('in what %s shows', async (command, behaviour) => {
    const run = await hostile.run(behaviour, { command });
    expect(run.summary).toContain('pwned');
    expectOursOnly(run.log, hostile.inputs);
    expectInertMarkdown(run.summary.replace(/<details><summary>[a-z-]+<\/summary>|<\/details>/g, ''));
  });

  test('that holds a secret which it was given: not in the error that ends the run either', async () => {
    const run = await hostile.run('tells the secrets that it was given', { env: 'A=value-that-is-secret' });
    expect(run.code).toBe(1);
    expect(run.log.match(/export A=/g)?.length).toBeGreaterThan(5);
    expect(run.log).toMatch(/^::error::shop: failed at install.*export A=.*\*\*\*/m);
    expect(run.log.replace(/^::add-mask::.*$/gm, '') + run.summary).not.toContain('value-that-is-secret');
  });

  test('in the ledger that the post step reads', async () => {
    const main = await hostile.run('says nothing and ends');
    // As if it had been killed: what became of the run is asked for.
    const state = { main: 'begun', run: main.state.run ?? '', started: '1' };
    writeFileSync(join(hostile.dir, 'behaviour'), 'attacks with all that it says');
    const post = await runPost(hostile.inputs, state);
    expect(post.log).toContain('pwned');
    expectOursOnly(post.log, hostile.inputs);
  });
});

describe('what a real host prints', () => {
  let stage: Stage;
  let usual = 0;
  beforeAll(async () => {
    stage = await startStage();
    const run = await stage.deploy(stage.repo.commit({ version: 'v0' }));
    expect(run.code).toBe(0);
    usual = run.peakKiB;
  });
  afterAll(async () => stage?.stop());

  test('300 MB from install: all of it passes, little is kept', async () => {
    let bytes = 0;
    const install = "yes 'a line of the usual length, sixty-three characters and a newline' | head -c 310000000";
    const run = await stage.deploy(stage.repo.commit({ version: 'v1' }), { install }, { keep: 100_000, onOutput: (text: string) => (bytes += text.length) });
    expect(run.code).toBe(0);
    expect(bytes).toBeGreaterThan(310_000_000);
    expect(run.peakKiB - usual).toBeLessThan(MORE_MEMORY);
    expect(run.summary.length).toBeLessThan(20_000);
  });

  test('60 MB without a newline, and 60 MB of escape sequences', async () => {
    const install = "head -c 60000000 /dev/zero | tr '\\0' x; yes \"$(printf '\\033[2K\\033]0;x')\" | head -c 60000000";
    const run = await stage.deploy(stage.repo.commit({ version: 'v2' }), { install }, { keep: 100_000 });
    expect(run.code).toBe(0);
    expect(run.peakKiB - usual).toBeLessThan(MORE_MEMORY);
  });

  test('an attack from install, and from an app that does not become healthy', async () => {
    const files = { 'attack.txt': attack, 'attack.mjs': "import { readFileSync } from 'node:fs';\nprocess.stdout.write(readFileSync('attack.txt', 'utf8') + '\\nno newline ##');\n" };
    const start = `${process.execPath} attack.mjs; exec ${process.execPath} server.mjs`;
    const more = { install: `${process.execPath} attack.mjs`, start, 'health-timeout': '1s' };
    const run = await stage.deploy(stage.repo.commit({ version: 'v3', unhealthy: true }, files), more);
    expect(run.code).toBe(1);
    expect(run.log.match(/pwned/g)?.length).toBeGreaterThan(40);
    expectOursOnly(run.log, { ...stage.inputs, ...more });
    expectInertMarkdown(run.summary);
    expect(run.summary).toContain('pwned');
  });
});

/** A TCP server that does what it likes with each connection. */
async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe('before a word of SSH', () => {
  let sshd: Awaited<ReturnType<typeof startSshd>>;
  let dir = '';
  let inputs: Record<string, string> = {};
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'bluegreen-banner-'));
    mkdirSync(join(dir, 'ssh'));
    sshd = await startSshd({ dir: join(dir, 'ssh'), extraConfig: [`Banner ${join(dir, 'banner')}`] });
    inputs = { host: `${sshd.user}@127.0.0.1:${sshd.port}`, 'private-key': sshd.privateKey, 'known-hosts': sshd.fingerprint, app: 'shop', start: 'true', ref: 'a'.repeat(40), 'connect-timeout': '3s' };
  });
  afterAll(async () => {
    await sshd?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function refused(more: Record<string, string>): Promise<string> {
    const run = await runAction({ ...inputs, ...more });
    expect({ code: run.code, signal: run.signal }).toEqual({ code: 1, signal: null });
    expect(run.peakKiB).toBeLessThan(200 * 1024);
    expect(run.log).not.toMatch(/bluegreen has a defect/);
    expectOursOnly(run.log, { ...inputs, ...more });
    return run.log.split('\n').filter((line) => line.startsWith('::error')).join('\n');
  }
  const port = (number: number) => ({ host: `x@127.0.0.1:${number}` });

  const endless = (text: string) => (socket: Socket) => {
    const talk = (): void => void (socket.writable && socket.write(text, () => setImmediate(talk)));
    talk();
  };

  test('megabytes before the version, or in place of it', async () => {
    expect(await refused(port(await listening(endless('::error::pwned\r\n'.repeat(4000)))))).toMatch(/does not speak SSH|greeting lines/);
    expect(await refused(port(await listening(endless('x'.repeat(65_536)))))).toContain('does not seem to be an SSH server');
    expect(await refused(port(await listening((socket) => void socket.write(`SSH-2.0-${'x'.repeat(8_000_000)}`))))).toContain('does not seem to be an SSH server');
  });

  test('nothing, or a byte a second: until connect-timeout', async () => {
    expect(await refused(port(await listening(() => {})))).toContain('took the connection and then said nothing within 3 s');
    const slow = await listening((socket) => {
      let at = 0;
      const timer = setInterval(() => socket.write('SSH-2.0-slow and without an end'.charAt(at++ % 20)), 1000);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await refused(port(slow))).toContain('did not finish the SSH handshake within 3 s');
  });

  test('a banner of hundreds of kilobytes, of what looks like commands, with escapes; one of 4 MB, which sshd does not send', async () => {
    writeFileSync(join(dir, 'banner'), `${attack}\n`.repeat(300));
    expect(await refused({})).toContain('sent more at once than SSH allows');
    writeFileSync(join(dir, 'banner'), attack);
    const stranger = newKey(dir, 'ed25519', '', { name: 'stranger' });
    expect(await refused({ 'private-key': stranger.privateKey })).toContain('did not let');
    writeFileSync(join(dir, 'banner'), 'x'.repeat(4_000_000));
    expect(await refused({ 'private-key': stranger.privateKey })).toContain('did not let');
  });
});

// A relay in front of two hosts: first it leads to the one that is known, then to another.
test('another key at the second connection: refused, and that host is told nothing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bluegreen-other-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'ssh'));
  const stage = await startStage();
  cleanups.push(() => stage.stop());
  const other = await startSshd({ dir: join(dir, 'ssh'), extraConfig: [`ForceCommand head -c 100 > ${join(dir, 'heard')}`] });
  cleanups.push(() => other.stop());
  // It would let this key in.
  writeFileSync(join(dir, 'key'), stage.sshd.privateKey, { mode: 0o600 });
  other.authorize(spawnSync('ssh-keygen', ['-y', '-f', join(dir, 'key')], { encoding: 'utf8' }).stdout.trim());

  let target = stage.sshd.port;
  const relayed = new Set<Socket>();
  let toOther = 0;
  const port = await listening((socket) => {
    if (target === other.port) toOther++;
    const onward = connect(target, '127.0.0.1').on('error', () => socket.destroy());
    relayed.add(socket).add(onward);
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  });
  const inputs = { host: `${stage.sshd.user}@127.0.0.1:${port}`, 'known-hosts': stage.sshd.fingerprint };
  const secret = 'value-that-is-secret';
  const reached = join(dir, 'reached');
  const sha = stage.repo.commit({ version: 'v1' });
  const more = { ...inputs, env: `SECRET=${secret}`, install: `touch ${reached}; sleep 60` };

  // While install runs, the line is cut, and the way leads elsewhere: the action asks there what became of the run.
  let child: ChildProcess | undefined;
  const main = stage.deploy(sha, more, { onStart: (started: ChildProcess) => (child = started) });
  await until(() => existsSync(reached), 'install runs');
  target = other.port;
  for (const socket of relayed) socket.destroy();
  const run = await main;
  expect(child?.exitCode).toBe(1);
  expect(run.log).toContain('the line to the host was lost during the step install');
  expect(toOther).toBeGreaterThan(0);

  // So does the post step.
  const before = toOther;
  const post = await runPost({ ...stage.inputs, ...more, ref: sha }, { main: 'begun', run: run.state.run ?? '', started: '1' }, { env: { GITHUB_SHA: sha } });
  expect(toOther).toBeGreaterThan(before);
  expect(post.code).toBe(1);
  expect(post.log).toContain('reinstalled, or somebody may be standing in between');
  // Nobody was let in, nobody tried, nothing was run.
  expect(other.log()).not.toMatch(/Accepted|Failed|Postponed|authenticating user|userauth/);
  expect(existsSync(join(dir, 'heard'))).toBe(false);

  // The same host would have let it in, and would have heard it.
  await runPost({ ...stage.inputs, ...more, ref: sha, 'known-hosts': other.fingerprint }, { main: 'begun', run: run.state.run ?? '', started: '1' }, { env: { GITHUB_SHA: sha } });
  await until(() => existsSync(join(dir, 'heard')), 'the other host hears what it is sent');
});
