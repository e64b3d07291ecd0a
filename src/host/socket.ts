import { connect as connectTcp, type Socket } from 'node:net';
import { DeployError } from '../errors.js';

export interface Address {
  host: string;
  port: number;
}

/** `name:port`, or `[address]:port` for IPv6. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** One time limit for a connection and all that belongs to it. */
export interface Deadline {
  /** The limit as it was set, in milliseconds. */
  limitMs: number;
  /** What is left of it, in milliseconds; never less than 1, so that what is late fails by its own timer. */
  leftMs(): number;
}

export function deadlineIn(limitMs: number): Deadline {
  const end = performance.now() + limitMs;
  return { limitMs, leftMs: () => Math.max(1, Math.round(end - performance.now())) };
}

/** After this long the next address of a name is tried, in milliseconds. Node's default of 250 gives up on every far host. */
const attemptMs = 2500;

/**
 * Opens a TCP connection without Nagle's algorithm, which costs ssh2 40 ms a message.
 *
 * @param deadline for name resolution and connecting together
 * @throws DeployError: the name is not known, refused, unreachable, or too late
 */
export function openSocket(address: Address, deadline: Deadline): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ ...address, noDelay: true, autoSelectFamilyAttemptTimeout: Math.max(250, Math.min(attemptMs, deadline.limitMs / 4)) });
    const limit = setTimeout(() => fail('ETIMEDOUT'), deadline.leftMs());
    const fail = (code: string): void => {
      clearTimeout(limit);
      socket.destroy();
      reject(networkError(address, code, deadline.limitMs));
    };
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => {
      clearTimeout(limit);
      socket.removeAllListeners('error');
      // Between here and the taking over by ssh2, an error must not be without a listener.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** What may be over soon: a server that is starting, a network that stumbles. A name that is not known is not among them. */
const passing = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE']);

function networkError(address: Address, code: string, limitMs: number): DeployError {
  return new DeployError(networkProblem(address, code, limitMs), passing.has(code));
}

function networkProblem(address: Address, code: string, limitMs: number): ConstructorParameters<typeof DeployError>[0] {
  const at = addressText(address);
  const place = { step: 'connect', host: address.host };
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return {
        ...place,
        what: `The name ${address.host} could not be resolved (${code}), so ${at} was not contacted`,
        next: code === 'EAI_AGAIN' ? 'The name server did not answer: try again, and check the network of the runner.' : 'Check the spelling of host, and that the name is known to public name servers, since the runner asks those.',
        settings: ['host'],
      };
    case 'ECONNREFUSED':
      return {
        ...place,
        what: `${at} refused the connection`,
        next: 'Check that sshd runs there and listens on this port (on the host: ss -ltn), and that no firewall refuses it.',
        settings: ['host', 'port'],
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return {
        ...place,
        what: `${at} cannot be reached from here (${code})`,
        next: 'Check host. A private address needs a runner in the same network; an IPv6 address needs a runner that has IPv6.',
        settings: ['host', 'port'],
      };
    case 'ETIMEDOUT':
      return {
        ...place,
        what: `${at} did not answer within ${limitMs / 1000} s`,
        next: 'Usually a firewall drops the packets: let the runner\'s address in, or check host and port. For a slow line raise connect-timeout.',
        settings: ['host', 'port', 'connect-timeout'],
      };
    default:
      return {
        ...place,
        what: `Connecting to ${at} failed: ${code}`,
        next: 'Check host and port, and the network between here and there.',
        settings: ['host', 'port'],
      };
  }
}
