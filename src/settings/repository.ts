import { isIPv6 } from 'node:net';
import { isHostName } from './host.js';
import { hasControlCharacter, right, wrong, type Parsed } from './parsed.js';
import { authorityOf } from './url.js';

const KINDS = 'must be an https or ssh URL, git@host:path, a file:// URL or an absolute path on the host';

/** Where git on the host fetches from. Only transports that run no command of the URL's choosing are accepted. */
export function repositoryUrl(text: string): Parsed<string> {
  if (hasControlCharacter(text)) return wrong('must not contain control characters');
  if (text.startsWith('-')) return wrong('must not begin with -');
  if (/^[A-Za-z0-9+.-]*::/.test(text)) return wrong(`${KINDS}: git's remote helpers (name::…) are refused, they can run commands`);
  if (text.startsWith('/')) return right(text);
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) ? url(text) : scpLike(text);
}

function url(text: string): Parsed<string> {
  const scheme = text.slice(0, text.indexOf(':')).toLowerCase();
  if (scheme === 'file') return /^file:\/\/(localhost)?\/./i.test(text) ? right(text) : wrong('must be file:///path with three slashes');
  if (scheme === 'http') return wrong('must use https: with http anybody on the way could change the code');
  const authority = authorityOf(text);
  if (!authority || !['https', 'ssh'].includes(scheme)) return wrong(KINDS);

  const { userInfo } = authority;
  if (scheme === 'https' && userInfo !== undefined) return wrong('must not contain a user, a password or a token: use the setting repository-token');
  if (userInfo?.includes(':')) return wrong('must not contain a password');
  // ssh would read it as an option; git decodes it first.
  if (/^(-|%2d)/i.test(userInfo ?? '')) return wrong('must not have a user that begins with -');
  return new URL(text).pathname.length > 1 ? right(text) : wrong('must name a repository, such as https://github.com/org/shop.git');
}

/** `user@host:path`, the short form that git hands to ssh. */
function scpLike(text: string): Parsed<string> {
  const match = /^([A-Za-z0-9_][A-Za-z0-9._+-]*)@(\[[^\]]*\]|[^:/@\s]+):([^\s]+)$/.exec(text);
  const host = match?.[2]?.replace(/^\[(.*)\]$/, '$1') ?? '';
  const path = match?.[3] ?? '';
  if (!match || path.startsWith('-') || path.startsWith(':')) return wrong(KINDS);
  return isHostName(host) || isIPv6(host) ? right(text) : wrong(KINDS);
}

/**
 * A branch, a tag, a full ref or a commit, by the rules of `git check-ref-format` (git's documentation), and
 * without a leading `-`, which git would read as an option.
 */
export function gitRef(text: string): Parsed<string> {
  const parts = text.split('/');
  const valid =
    !/[\x00-\x20\x7f-\x9f~^:?*[\\]|\.\.|@\{/.test(text) &&
    !/^-|\.$/.test(text) &&
    text !== '@' &&
    parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
  return valid ? right(text) : wrong('must be a branch, a tag or a commit (7 to 40 hexadecimal digits), such as main, v1.2.3 or 1a2b3c4');
}

/** True when both URLs lead to the same https server. False for everything that is not https. */
export function sameServer(repository: string, serverUrl: string): boolean {
  if (!authorityOf(repository) || !authorityOf(serverUrl)) return false;
  const [one, other] = [new URL(repository), new URL(serverUrl)];
  return one.protocol === 'https:' && one.origin === other.origin;
}
