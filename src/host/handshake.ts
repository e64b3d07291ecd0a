import { NodeSSH } from 'node-ssh';
import type { Socket } from 'node:net';
import type { AuthHandlerMiddleware, Client, ServerHostKeyAlgorithm } from 'ssh2';
import { DeployError } from '../errors.js';
import { authRefused, closedEarly, handshakeFailed, handshakeTooLate, tooMuchTalk } from './handshake-errors.js';
import { hostKey, type HostKey } from './host-key.js';
import type { Login } from './login.js';
import { openSocket, type Address, type Deadline } from './socket.js';

export interface HandshakeOptions {
  address: Address;
  deadline: Deadline;
  /** Host-key algorithms to offer, best first. */
  algorithms: string[];
  /** Judges the host's key, before the host learns who wants to log in. */
  accept(key: HostKey): boolean;
  /** Left out where `accept` accepts nothing. */
  login?: Login;
}

/** How a handshake ended that did not fail. Only a `ready` one leaves the socket open. */
export type Handshake =
  | { end: 'ready'; client: Client; socket: Socket; key: HostKey }
  /** The host's key was not accepted. */
  | { end: 'denied'; key: HostKey }
  /** The host has no key for any of the algorithms. */
  | { end: 'no-key' };

/** What is known of the host so far. */
interface Seen {
  key?: HostKey;
  accepted: boolean;
  banner: string;
}

/** A server that has sent more than this before it has shown a key does not speak SSH; in bytes. */
const talkLimit = 256 * 1024;
/** So much of a banner is kept, in characters. */
const bannerLimit = 2000;

/**
 * Connects and logs in, once.
 *
 * @throws DeployError with the step `connect`; the socket is closed then
 */
export async function handshake(options: HandshakeOptions): Promise<Handshake> {
  const socket = await openSocket(options.address, options.deadline);
  const seen: Seen = { accepted: false, banner: '' };
  try {
    const client = await logIn(socket, options, seen);
    return { end: 'ready', client, socket, key: seen.key ?? hostKey(Buffer.alloc(0)) };
  } catch (error) {
    socket.destroy();
    if (seen.key && !seen.accepted) return { end: 'denied', key: seen.key };
    if (error instanceof DeployError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (/no matching host key format/.test(reason)) return { end: 'no-key' };
    // "No response from server" is what node-ssh says when the connection closes without a word.
    const closed = /ECONNRESET|EPIPE|Connection lost before handshake|No response from server/.test(reason);
    if (closed && !seen.key) throw closedEarly(options.address);
    throw handshakeFailed(options.address, closed ? 'the host closed the connection' : reason, seen.accepted, seen.banner, closed);
  }
}

function logIn(socket: Socket, options: HandshakeOptions, seen: Seen): Promise<Client> {
  const { address, deadline, login } = options;
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(handshakeTooLate(address, deadline.limitMs, socket.bytesRead > 0, seen.accepted)), deadline.leftMs());
    const count = (): void => {
      if (socket.bytesRead > talkLimit) reject(tooMuchTalk(address));
    };
    const ssh = new NodeSSH();
    const connecting = ssh.connect({
      sock: socket,
      username: login?.user ?? '',
      algorithms: { serverHostKey: options.algorithms as ServerHostKeyAlgorithm[] },
      hostVerifier: (blob: Buffer): boolean => {
        socket.off('data', count);
        seen.key = hostKey(blob);
        seen.accepted = options.accept(seen.key);
        return seen.accepted;
      },
      authHandler: authentication(address, login, seen, reject),
      // Our own limit covers the whole of it; ssh2's stops counting when the handshake stumbles.
      readyTimeout: 0,
      keepaliveInterval: login?.keepaliveMs ?? 0,
      keepaliveCountMax: 3,
    });
    connecting.then(() => client && resolve(client), reject).finally(() => clearTimeout(limit));
    const client = ssh.connection;
    // node-ssh takes its listener away when it is ready; an error event without one would end the process.
    client?.on('error', () => {});
    client?.on('banner', (text) => {
      seen.banner = (seen.banner + text).slice(0, bannerLimit);
    });
    socket.on('data', count);
  });
}

/** Goes straight to the key: asking first which methods there are would cost a round trip. */
function authentication(address: Address, login: Login | undefined, seen: Seen, reject: (error: DeployError) => void): AuthHandlerMiddleware {
  let tried = false;
  return (methods, partial, next) => {
    if (tried || !login) return reject(authRefused({ address, login, methods: methods ?? [], partial, banner: seen.banner }));
    tried = true;
    next({ type: 'publickey', username: login.user, key: login.key.parsed });
  };
}
