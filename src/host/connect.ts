import { connectionOf, type Connection } from './connection.js';
import { handshake } from './handshake.js';
import { algorithmsForFamily, familyOf, fingerprint, type HostKey } from './host-key.js';
import { hostKeyChanged, hostKeyRevoked, hostNotKnown, noHostKey } from './host-key-errors.js';
import { scanHostKeys } from './host-key-scan.js';
import { readPrivateKey, type PrivateKey } from './keys.js';
import { parseKnownHosts, type KnownHosts } from './known-hosts.js';
import type { Login } from './login.js';
import { deadlineIn, type Address, type Deadline } from './socket.js';

export type { Channel, Connection } from './connection.js';

export interface ConnectOptions {
  host: string;
  port: number;
  user: string;
  /** The private key as the user gave it, or as `readPrivateKey` read it. */
  key: string | PrivateKey;
  /** Empty for none; not used with a key that was read already. */
  passphrase: string;
  /** The setting known-hosts, as it stands. */
  knownHosts: string;
  /** For everything until the host has let us in, in milliseconds. */
  connectTimeoutMs: number;
  /** Time between two signs of life, in milliseconds (10,000 by default). */
  keepaliveMs?: number;
}

/** A fingerprint may belong to another kind of key than the one a host prefers to show: so often is it asked for another kind. */
const kindsToTry = 3;

/**
 * Connects to a host and logs in with a key. One try: what fails is told, not tried again (`reach` does that).
 *
 * @throws DeployError: a setting is wrong (before anything is contacted), or, with the step `connect`, the host
 *   cannot be reached, is not the one that is known, or does not let the user in. No socket is left open.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { host, port, user, connectTimeoutMs } = options;
  const key = typeof options.key === 'string' ? readPrivateKey(options.key, options.passphrase) : options.key;
  const known = parseKnownHosts(options.knownHosts);
  const address = { host, port };
  const deadline = deadlineIn(connectTimeoutMs);
  if (known.empty) throw await notKnown(address, deadline, false);
  return connectOnce(address, deadline, known, { user, key, keepaliveMs: options.keepaliveMs ?? 10_000 });
}

async function connectOnce(address: Address, deadline: Deadline, known: KnownHosts, login: Login): Promise<Connection> {
  const { host, port } = address;
  const offered: HostKey[] = [];
  let algorithms = known.algorithms(host, port);
  while (offered.length < kindsToTry && algorithms.length > 0) {
    const shake = await handshake({ address, deadline, algorithms, login, accept: (key) => known.verdict(host, port, key.blob) === 'match' });
    if (shake.end === 'ready') {
      const { client, socket } = shake;
      return connectionOf({ client, socket, address, hostFingerprint: fingerprint(shake.key.blob), limitMs: deadline.limitMs });
    }
    if (shake.end === 'no-key') break;
    const verdict = known.verdict(host, port, shake.key.blob);
    if (verdict === 'revoked') throw hostKeyRevoked(address, shake.key);
    if (verdict === 'unknown') throw await notKnown(address, deadline, true);
    offered.push(shake.key);
    if (!known.hasFingerprints) break;
    const family = familyOf(shake.key.type);
    algorithms = algorithms.filter((name) => !family || !algorithmsForFamily(family).includes(name));
  }
  throw offered.length > 0 ? hostKeyChanged(address, offered, known.expected(host, port)) : noHostKey(address);
}

async function notKnown(address: Address, deadline: Deadline, othersKnown: boolean) {
  const keys = await scanHostKeys(address, deadline);
  return keys.length > 0 ? hostNotKnown(address, keys, othersKnown) : noHostKey(address);
}
