import { isIPv6 } from 'node:net';
import { hasControlCharacter, right, wrong, type Parsed } from './parsed.js';
import { port } from './numbers.js';

/** Where to connect and as whom. */
export interface Target {
  /** A host name or an IP address, IPv6 without brackets. */
  host: string;
  user: string;
  port: number;
}

/** What the setting `host` says; user and port may come from settings of their own. */
export interface HostText {
  host: string;
  user?: string;
  port?: number;
}

const SHAPE = 'must be [user@]name[:port], such as deploy@shop.example.com or deploy@[2001:db8::1]:2222';

/** True for a DNS name or an IPv4 address: letters, digits, `.`, `-` and `_`, at most 253 characters. */
export function isHostName(text: string): boolean {
  return text.length <= 253 && /^(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*\.?$/.test(text);
}

/** The name of a user on the host. */
export function userName(text: string): Parsed<string> {
  const message = 'must be the name of a user on the host, such as deploy';
  return /^[A-Za-z0-9_][A-Za-z0-9._@+\\-]{0,63}\$?$/.test(text) ? right(text) : wrong(message);
}

/** Reads `[user@]name[:port]`; an IPv6 address with a port stands in brackets. */
export function hostText(text: string): Parsed<HostText> {
  if (hasControlCharacter(text) || /\s/.test(text)) return wrong(SHAPE);
  const at = text.lastIndexOf('@');
  const target: HostText = { host: text.slice(at + 1) };

  if (at >= 0) {
    const user = userName(text.slice(0, at));
    if ('wrong' in user) return wrong(SHAPE);
    target.user = user.value;
  }
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(target.host);
  const plain = /^([^:]*)(?::([^:]*))?$/.exec(target.host);
  const match = bracketed ?? plain;
  if (match) target.host = match[1] ?? '';
  if (match?.[2] !== undefined) {
    const number = port(match[2]);
    if ('wrong' in number) return wrong(`the port ${number.wrong.join()}, as in shop.example.com:22`);
    target.port = number.value;
  }
  const valid = bracketed || !plain ? isIPv6(target.host) : isHostName(target.host);
  return valid ? right(target) : wrong(SHAPE);
}

/** A mistake in the way `host`, `user` and `port` go together, with the setting that it belongs to. */
export interface TargetProblem {
  name: 'user' | 'port';
  message: string;
}

/**
 * Puts `host`, `user` and `port` together.
 *
 * @returns the target (port 22 when nobody says otherwise), or what contradicts itself or is missing
 */
export function mergeTarget(host: HostText, user: string, portNumber: number | undefined): Target | TargetProblem[] {
  const problems: TargetProblem[] = [];
  if (host.user !== undefined && user !== '' && host.user !== user) {
    problems.push({ name: 'user', message: `is not the user that host names (${host.user}): leave one of the two out` });
  }
  if (host.port !== undefined && portNumber !== undefined && host.port !== portNumber) {
    problems.push({ name: 'port', message: `is not the port that host names (${host.port}): leave one of the two out` });
  }
  const name = host.user ?? user;
  if (name === '') problems.push({ name: 'user', message: 'is missing: say who logs in, here or as host: deploy@name' });
  return problems.length ? problems : { host: host.host, user: name, port: host.port ?? portNumber ?? 22 };
}
