import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { DeployError } from '../../src/errors.js';
import type { ConnectOptions } from '../../src/host/connect.js';
import { newKey, startSshd } from '../../testbed/sshd.mjs';
import { output, sshBed } from './ssh-bed.js';

const bed = sshBed();

async function refusal(changes: Partial<ConnectOptions>) {
  const error: unknown = await bed.connected(changes).then(() => new Error('it connected'), (reason: unknown) => reason);
  if (!(error instanceof DeployError)) throw error;
  return error.problem;
}

/** Users that sshd has heard of: each login, and each that began. Its log comes a little late. */
async function logins(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return bed.sshd.log().match(/Accepted publickey|Failed publickey|authenticating user/g)?.length ?? 0;
}

/** After a refusal: a login that works is the first that sshd hears of since `before`. */
async function expectNoLoginSince(before: number, knownHosts = bed.sshd.knownHosts) {
  await output(await bed.connected({ knownHosts }), 'true');
  expect(await logins()).toBe(before + 1);
}

async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bed.cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

describe('logging in', () => {
  test.each([['ed25519', {}], ['ecdsa', { bits: 256 }], ['ecdsa', { bits: 384 }], ['ecdsa', { bits: 521, pem: true }], ['rsa', {}], ['rsa', { pem: true }]])('with a key of type %s %j', async (type, how) => {
    for (const passphrase of ['', 'open sesame']) {
      const key = newKey(bed.dir, type, passphrase, { ...how, name: `login-${type}-${JSON.stringify(how)}-${passphrase.length}` });
      bed.sshd.authorize(key.publicKey);
      expect((await output(await bed.connected({ key: key.privateKey, passphrase }), 'echo in')).out).toBe('in\n');
    }
  });

  test('with a key that the host does not know: names user, key and authorized_keys', async () => {
    const stranger = newKey(bed.dir, 'ecdsa', '', { name: 'stranger' });
    const problem = await refusal({ key: stranger.privateKey });
    expect(problem).toMatchObject({ step: 'connect', host: '127.0.0.1', settings: ['user', 'private-key'] });
    expect(problem.what).toContain(`did not let ${bed.sshd.user} in with the key ${stranger.fingerprint} (ecdsa-sha2-nistp256)`);
    expect(problem.next).toContain('authorized_keys');
    expect(problem.details).toContain('the host accepts: publickey');
    expect(JSON.stringify(problem)).not.toContain(stranger.privateKey.split('\n')[2]);
  });

  test('where only passwords are taken, and where a key alone is not enough, and where the banner is endless', async () => {
    writeFileSync(join(bed.dir, 'banner'), `\u001B[31mWelcome\n${'x'.repeat(20_000)}`);
    const only = await startSshd({ dir: bed.newDir('only'), extraConfig: ['PubkeyAuthentication no', 'AuthenticationMethods any', `Banner ${join(bed.dir, 'banner')}`] });
    const both = await startSshd({ dir: bed.newDir('both'), extraConfig: ['AuthenticationMethods publickey,password'] });
    writeFileSync(join(bed.dir, 'long-banner'), 'x'.repeat(100_000));
    const long = await startSshd({ dir: bed.newDir('long'), extraConfig: [`Banner ${join(bed.dir, 'long-banner')}`] });
    bed.cleanups.push(() => only.stop(), () => both.stop(), () => long.stop());
    const [password, second, banner] = await Promise.all([only, both, long].map(({ port, knownHosts, privateKey: key }) => refusal({ port, knownHosts, key })));
    expect(password?.what).toMatch(/does not let \S+ log in with a key, only with: .*password/);
    expect(password?.details).toContain('Welcome');
    expect(password?.details).not.toContain('\u001B');
    expect(password?.details.length).toBeLessThan(3000);
    expect(second?.what).toMatch(/took the key of \S+ and asks for something more: password/);
    expect(banner?.next).toContain('banner of more than 32 KB');
  });

  test('goes straight to the key', async () => {
    // On a longer line, what the host sends in pieces counts once.
    const { proxy, changes } = await bed.proxied(60);
    await bed.connected(changes);
    // Key exchange, service, key offered, key proved: any more would be a detour.
    expect(proxy.turns).toBeLessThanOrEqual(4);
  });
});

describe('the host\'s key', () => {
  const lineOf = (type: string) => bed.sshd.knownHosts.split('\n').find((line) => line.includes(type)) ?? '';
  const printOf = (type: string) => bed.sshd.hostKeys.find((key) => key.type === type)?.fingerprint ?? '';

  test.each([['ssh-ed25519', 'ed25519'], ['ecdsa-sha2-nistp256', 'ecdsa'], ['ssh-rsa', 'rsa']])('the host is asked for the %s key that is known', async (type, short) => {
    const connection = await bed.connected({ knownHosts: lineOf(type) });
    expect(connection.hostFingerprint).toBe(printOf(short));
  });

  test('a hashed name', async () => {
    const file = join(bed.dir, 'hashed');
    writeFileSync(file, `${lineOf('ssh-rsa')}\n`);
    spawnSync('ssh-keygen', ['-H', '-f', file]);
    const hashed = spawnSync('cat', [file], { encoding: 'utf8' }).stdout;
    expect(hashed.startsWith('|1|')).toBe(true);
    expect((await bed.connected({ knownHosts: hashed })).hostFingerprint).toBe(printOf('rsa'));
  });

  test.each(['ed25519', 'ecdsa', 'rsa'])('a fingerprint of the %s key, whichever the host prefers', async (type) => {
    expect((await bed.connected({ knownHosts: printOf(type) })).hostFingerprint).toBe(printOf(type));
  });

  test('another key than the known one: both fingerprints, and nobody is logged in', async () => {
    const before = await logins();
    const other = newKey(bed.dir, 'ed25519', '', { name: 'other-host' });
    const problem = await refusal({ knownHosts: `[127.0.0.1]:${bed.sshd.port} ${other.publicKey}` });
    expect(problem.what).toMatch(/reinstalled, or somebody may be standing in between/);
    expect(problem.details).toContain(printOf('ed25519'));
    expect(problem.details).toContain(`${other.fingerprint} (ED25519), line 1`);
    expect(problem.settings).toContain('known-hosts');
    await expectNoLoginSince(before);
  });

  test('a fingerprint that no key of the host has: every key is named, after three tries', async () => {
    const { proxy, changes } = await bed.proxied();
    const problem = await refusal({ ...changes, knownHosts: newKey(bed.dir, 'rsa', '', { name: 'other-print' }).fingerprint });
    for (const key of bed.sshd.hostKeys) expect(problem.details).toContain(key.fingerprint);
    expect(proxy.connections).toBe(3);
  });

  test('a kind of key that the host does not have shows the one it has', async () => {
    const lone = await startSshd({ dir: bed.newDir('lone'), keyTypes: ['ecdsa'] });
    bed.cleanups.push(() => lone.stop());
    const problem = await refusal({ port: lone.port, knownHosts: `[127.0.0.1]:${lone.port} ${newKey(bed.dir, 'ed25519', '', { name: 'gone' }).publicKey}` });
    expect(problem.details).toContain(`${lone.fingerprint} (ECDSA)`);
  });

  test('a revoked key', async () => {
    const before = await logins();
    const problem = await refusal({ knownHosts: `@revoked * ${lineOf('ssh-ed25519').split(' ').slice(1).join(' ')}\n${lineOf('ssh-ed25519')}` });
    expect(problem.what).toContain('@revoked');
    await expectNoLoginSince(before);
  });

  test.each([['', 'There is no known-hosts'], ['# nothing', 'There is no known-hosts'], ['other.example.com', 'known-hosts has lines, but none for [127.0.0.1]']])('known-hosts %j: refuses, shows all keys, and the lines to store work', async (names, what) => {
    const before = await logins();
    const knownHosts = /^[a-z]/.test(names) ? `${names} ${bed.sshd.hostKeys[0]?.publicKey}` : names;
    const problem = await refusal({ knownHosts });
    expect(problem.what).toContain(what);
    expect(problem.settings).toEqual(['known-hosts']);
    expect(problem.next).toContain('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
    expect(problem.next).toContain(`ssh-keyscan -p ${bed.sshd.port} -t ed25519 127.0.0.1`);
    for (const key of bed.sshd.hostKeys) {
      const [, print] = spawnSync('ssh-keygen', ['-lf', `${key.keyFile}.pub`], { encoding: 'utf8' }).stdout.split(' ');
      expect(problem.details).toContain(`${print} (${key.type.toUpperCase()})`);
    }
    const lines = problem.details.split('\n').filter((line) => line.startsWith('['));
    expect(lines.sort()).toEqual(bed.sshd.knownHosts.split('\n').sort());
    await expectNoLoginSince(before, lines[0]);
  });
});

describe('a host that cannot be reached', () => {
  test('a port that refuses', async () => {
    const port = await listening(() => {});
    for (const cleanup of bed.cleanups.splice(0)) await cleanup();
    for (const knownHosts of ['', `[127.0.0.1]:${port} ${bed.sshd.hostKeys[0]?.publicKey}`]) {
      expect(await refusal({ port, knownHosts })).toMatchObject({ what: `127.0.0.1:${port} refused the connection`, settings: ['host', 'port'], step: 'connect' });
    }
  });

  test('a name that does not exist', async () => {
    expect(await refusal({ host: 'no-such-host.invalid' })).toMatchObject({ what: expect.stringMatching(/no-such-host\.invalid could not be resolved/), settings: ['host'] });
  });

  test('a server that takes the connection and says nothing', async () => {
    const port = await listening(() => {});
    const problem = await refusal({ port, knownHosts: bed.sshd.fingerprint, connectTimeoutMs: 300 });
    expect(problem).toMatchObject({ what: `127.0.0.1:${port} took the connection and then said nothing within 0.3 s`, settings: ['port', 'connect-timeout'] });
    expect((await refusal({ port, knownHosts: '', connectTimeoutMs: 300 })).what).toContain('said nothing within 0.3 s');
  });

  test('a line that freezes in the middle of the handshake', async () => {
    const port = await listening((socket) => socket.write('SSH-2.0-slow\r\n'));
    expect((await refusal({ port, knownHosts: bed.sshd.fingerprint, connectTimeoutMs: 300 })).what).toContain('did not finish the SSH handshake within 0.3 s');
  });

  test('a server that hangs up, that speaks something else, that talks without end', async () => {
    const closing = await listening((socket) => socket.end());
    const web = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const odd = await listening((socket) => socket.write('SSH-odd\r\n'));
    const endless = await listening((socket) => {
      const talk = (): void => void (socket.writable && socket.write('hello\r\n'.repeat(1000), () => setImmediate(talk)));
      talk();
    });
    const knownHosts = bed.sshd.fingerprint;
    expect((await refusal({ port: closing, knownHosts })).what).toContain('closed the connection before it showed its key');
    expect((await refusal({ port: web, knownHosts })).what).toContain('closed the connection before it showed its key');
    expect((await refusal({ port: odd, knownHosts })).next).toContain('does not seem to be an SSH server');
    expect((await refusal({ port: endless, knownHosts })).what).toMatch(/does not speak SSH|greeting lines/);
  });

  test('no socket is left open by a failure', async () => {
    let open = 0;
    const port = await listening((socket) => {
      open++;
      socket.on('close', () => open--);
      socket.resume();
    });
    await refusal({ port, knownHosts: '', connectTimeoutMs: 200 });
    await refusal({ port, knownHosts: bed.sshd.fingerprint, connectTimeoutMs: 200 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(open).toBe(0);
  });
});
