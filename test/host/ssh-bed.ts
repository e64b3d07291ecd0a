import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { connect, type Channel, type ConnectOptions, type Connection } from '../../src/host/connect.js';
import { startProxy } from '../../testbed/proxy.mjs';
import { startSshd } from '../../testbed/sshd.mjs';

type Sshd = Awaited<ReturnType<typeof startSshd>>;

/**
 * One sshd for a test file, with host keys of all kinds, and what the tests of connecting share.
 * What a test starts, it gives to `cleanups`; that is ended after it, the newest first, also when it fails.
 */
export function sshBed() {
  const bed = {
    dir: '',
    sshd: undefined as unknown as Sshd,
    cleanups: [] as (() => unknown)[],

    /** A folder of its own for another sshd. */
    newDir: (name: string) => mkdtempSync(join(bed.dir, `${name}-`)),

    async connected(changes: Partial<ConnectOptions> = {}): Promise<Connection> {
      const { host, port, user, privateKey, knownHosts } = bed.sshd;
      const connection = await connect({ host, port, user, key: privateKey, passphrase: '', knownHosts, connectTimeoutMs: 10_000, ...changes });
      bed.cleanups.push(() => connection.close());
      return connection;
    },

    /** A proxy in front of the sshd, and the options that lead through it. */
    async proxied(delayMs = 0) {
      const proxy = await startProxy({ target: bed.sshd, delayMs });
      bed.cleanups.push(() => proxy.close());
      const knownHosts = bed.sshd.knownHosts.replaceAll(`:${bed.sshd.port}`, `:${proxy.port}`);
      return { proxy, changes: { port: proxy.port, knownHosts } };
    },
  };

  beforeAll(async () => {
    bed.dir = mkdtempSync(join(tmpdir(), 'bluegreen-ssh-'));
    bed.sshd = await startSshd({ dir: bed.newDir('sshd'), keyTypes: ['rsa', 'ecdsa', 'ed25519'] });
  }, 30_000);
  afterEach(async () => {
    for (const cleanup of bed.cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(async () => {
    await bed.sshd?.stop();
    rmSync(bed.dir, { recursive: true, force: true });
  });
  return bed;
}

/** All that comes out of a stream, as text. */
export async function text(stream: Channel['stdout']): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

/** Runs a command to its end. */
export async function output(connection: Connection, command: string) {
  const { stdin, stdout, stderr, closed } = await connection.exec(command);
  stdin.end();
  return { out: await text(stdout), err: await text(stderr), ...(await closed) };
}
