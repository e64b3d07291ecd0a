import { isIPv6 } from 'node:net';
import { isHostName } from './host.js';
import { hasControlCharacter, right, wrong, type Parsed } from './parsed.js';

/** True when a URL hides a control character behind `%`, as in `%0a`: tools that decode it would see a new line. */
function hasEncodedControlCharacter(text: string): boolean {
  return /%([01][0-9a-f]|7f)/i.test(text);
}

/** The part of a URL that says where: `user@` (with the password, if any) and the host, IPv6 without brackets. */
export interface Authority {
  userInfo: string | undefined;
  host: string;
}

/**
 * Reads where a URL leads, more strictly than `new URL`, which reads `https:///a/b` and `https:\\a` as host `a` while git
 * and curl do not: nobody may check one host and then connect to another.
 *
 * @returns undefined if the text is no URL with a plain host name or an IP address
 */
export function authorityOf(text: string): Authority | undefined {
  if (/[\s\\]/.test(text) || hasControlCharacter(text) || hasEncodedControlCharacter(text) || !URL.canParse(text)) return undefined;
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:([^/?#]*)@)?(\[[^\]]*\]|[^/?#:@]*)(?::[0-9]+)?(?:[/?#]|$)/.exec(text);
  const host = match?.[2] ?? '';
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return (bare === host ? isHostName(host) : isIPv6(bare)) ? { userInfo: match?.[1], host: bare } : undefined;
}

/** An http or https URL, without a user or a password in it. */
export function webUrl(text: string): Parsed<string> {
  const authority = authorityOf(text);
  if (!authority || !/^https?:/i.test(text)) return wrong('must be an http or https URL, such as https://shop.example.com/healthz');
  return authority.userInfo === undefined ? right(text) : wrong('must not contain a user or a password');
}

/** The path that the health check asks for. */
export function healthPath(text: string): Parsed<string> {
  return /^\/[\x21-\x7e]*$/.test(text) ? right(text) : wrong('must begin with / and contain no spaces or control characters (write others as %20), such as /healthz');
}

/** A host name for the Host header. */
export function headerHost(text: string): Parsed<string> {
  return isHostName(text) ? right(text) : wrong('must be a host name, such as shop.example.com');
}
