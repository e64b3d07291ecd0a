import { describe, expect, test } from '@jest/globals';
import type { ConnectOptions } from '../../src/host/connect.js';
import { startSshd } from '../../testbed/sshd.mjs';
import { output, sshBed, text } from './ssh-bed.js';

const bed = sshBed();

describe('a command', () => {
  test('gets standard input, gives both outputs and its exit code', async () => {
    const connection = await bed.connected();
    const { stdin, stdout, stderr, closed } = await connection.exec('cat; echo err >&2; exit 7');
    stdin.end('in\n');
    expect([await text(stdout), await text(stderr), await closed]).toEqual(['in\n', 'err\n', { code: 7, signal: null }]);
  });

  test('that a signal ends has no code', async () => {
    expect(await output(await bed.connected(), 'kill -9 $$')).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('is made to wait when nobody reads its output', async () => {
    const { proxy, changes } = await bed.proxied();
    const connection = await bed.connected(changes);
    const { stdin, stdout, stderr, closed } = await connection.exec('head -c 30000000 /dev/zero');
    stdin.end();
    stderr.resume();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(proxy.bytesDown).toBeLessThan(6_000_000);
    let bytes = 0;
    for await (const chunk of stdout) bytes += (chunk as Buffer).length;
    expect([bytes, await closed]).toEqual([30_000_000, { code: 0, signal: null }]);
  });

  test('several run over one connection', async () => {
    const { proxy, changes } = await bed.proxied();
    const connection = await bed.connected(changes);
    const results = await Promise.all([1, 2, 3].map((n) => output(connection, `echo ${n}`)));
    expect(results.map((result) => result.out)).toEqual(['1\n', '2\n', '3\n']);
    expect(proxy.connections).toBe(1);
  });

  test('is refused with a message where the host runs none', async () => {
    const strict = await startSshd({ dir: bed.newDir('strict'), extraConfig: ['MaxSessions 0'] });
    bed.cleanups.push(() => strict.stop());
    const { host, port, user, privateKey: key, knownHosts } = strict;
    const connection = await bed.connected({ host, port, user, key, knownHosts });
    await expect(connection.exec('true')).rejects.toThrow('does not let this user run a command');
  });
});

describe('a line that dies', () => {
  async function running(changes: Partial<ConnectOptions>) {
    const connection = await bed.connected(changes);
    const channel = await connection.exec('echo begun; exec cat >/dev/null');
    const lost: string[] = [];
    connection.onLost((error) => lost.push(error.message));
    await new Promise((resolve) => channel.stdout.once('data', resolve));
    return { connection, channel, lost };
  }

  test('cut: closed settles without a code, outputs end, writes fail, onLost fires once', async () => {
    const { proxy, changes } = await bed.proxied();
    const { connection, channel, lost } = await running(changes);
    const settled = Promise.all([channel.closed, text(channel.stdout), text(channel.stderr)]);
    proxy.cut();
    expect(await settled).toEqual([{ code: null, signal: null }, '', '']);
    expect(lost).toEqual([expect.stringContaining(`The connection to 127.0.0.1:${proxy.port} was lost`)]);
    expect(await new Promise((resolve) => channel.stdin.write('x', resolve))).toMatchObject({ code: 'ERR_STREAM_DESTROYED' });
    await expect(connection.exec('true')).rejects.toThrow('was lost');
    await new Promise<void>((resolve) => connection.onLost(() => resolve()));
    expect(lost).toHaveLength(1);
  });

  test('a write that waits on a dead line comes back', async () => {
    const { proxy, changes } = await bed.proxied();
    const { channel } = await running(changes);
    proxy.freeze();
    const written = new Promise((resolve) => channel.stdin.write(Buffer.alloc(8_000_000), resolve));
    proxy.cut();
    expect(await written).toMatchObject({ message: 'the command has ended' });
  });

  test('cut while nobody reads, or after the exit status: still no code, since the rest of the output is lost', async () => {
    const { proxy, changes } = await bed.proxied();
    const connection = await bed.connected(changes);
    const unread = await connection.exec('yes');
    const ended = await connection.exec('sleep 2 & exit 3');
    ended.stdout.resume();
    await new Promise((resolve) => setTimeout(resolve, 300));
    proxy.cut();
    expect(await Promise.all([unread.closed, ended.closed])).toEqual([{ code: null, signal: null }, { code: null, signal: null }]);
  });

  test('frozen: the keepalive notices, also while a command is being started', async () => {
    const { proxy, changes } = await bed.proxied();
    const { connection, channel, lost } = await running({ ...changes, keepaliveMs: 50 });
    proxy.freeze();
    const starting = connection.exec('true').then(() => 'started', (error: Error) => error.message);
    expect(await channel.closed).toEqual({ code: null, signal: null });
    expect(lost).toEqual([expect.stringContaining('no sign of life')]);
    expect(await starting).toContain('was lost');
  });

  test('frozen: a command that does not start has a time limit of its own', async () => {
    const { proxy, changes } = await bed.proxied();
    const connection = await bed.connected({ ...changes, connectTimeoutMs: 1500 });
    proxy.freeze();
    await expect(connection.exec('true')).rejects.toThrow('did not start a command within 1.5 s');
  });

  test('quiet but alive: nothing is lost', async () => {
    const { lost } = await running({ keepaliveMs: 30 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(lost).toEqual([]);
  });

  test('close: what runs is over, and nothing is reported as lost', async () => {
    for (const frozen of [false, true]) {
      const { proxy, changes } = await bed.proxied();
      const { connection, channel, lost } = await running(changes);
      if (frozen) proxy.freeze();
      connection.close();
      connection.close();
      expect(await channel.closed).toEqual({ code: null, signal: null });
      await expect(connection.exec('true')).rejects.toThrow('was closed');
      expect(lost).toEqual([]);
    }
  });
});
