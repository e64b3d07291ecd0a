import { createHmac } from 'node:crypto';
import { DeployError } from '../errors.js';
import { algorithmsForFamily, algorithmsForType, blobStrings, familyOf, fingerprint, keyFamilies, knownHostsName, type HostKey, type KeyFamily } from './host-key.js';

export type Verdict = 'match' | 'mismatch' | 'unknown' | 'revoked';

interface KnownKey extends HostKey {
  line: number;
  revoked: boolean;
  /** Whether the line is about this name (`name` or `[name]:port`, in lower case). */
  matches(name: string): boolean;
}

interface KnownFingerprint {
  line: number;
  fingerprint: string;
  family?: KeyFamily;
}

/** What the setting known-hosts says, ready to be asked about a host. */
export class KnownHosts {
  constructor(
    private readonly keys: KnownKey[],
    private readonly prints: KnownFingerprint[],
  ) {}

  /** Nothing was given: no host is known. */
  get empty(): boolean {
    return this.keys.length === 0 && this.prints.length === 0;
  }

  /** Fingerprints were given: they do not say for sure which kind of key they belong to, so another kind may still match. */
  get hasFingerprints(): boolean {
    return this.prints.length > 0;
  }

  /**
   * Judges the key that a host offered. As ssh does, a host on a port other than 22 is looked up as
   * `[name]:port`, and if that is not listed, its key is also accepted under the plain name.
   */
  verdict(host: string, port: number, blob: Buffer): Verdict {
    const about = this.about(host, port);
    const same = about.filter((key) => key.blob.equals(blob));
    if (same.some((key) => key.revoked)) return 'revoked';
    if (same.length > 0 || this.prints.some((print) => print.fingerprint === fingerprint(blob))) return 'match';
    const listed = this.named(knownHostsName(host, port)).some((key) => !key.revoked);
    return listed || this.hasFingerprints ? 'mismatch' : 'unknown';
  }

  /**
   * The host-key algorithms to ask a host for: first those of the keys that are known, in the order of
   * the lines, so that the host shows a key that can be compared; then the others, so that a host that
   * has none of these still shows which key it has.
   */
  algorithms(host: string, port: number): string[] {
    const known = this.about(host, port).filter((key) => !key.revoked).flatMap((key) => algorithmsForType(key.type));
    const printed = this.prints.flatMap((print) => (print.family ? algorithmsForFamily(print.family) : []));
    return [...new Set([...known, ...printed, ...keyFamilies.flatMap(algorithmsForFamily)])];
  }

  /** What was expected of a host, one line each, for a message. */
  expected(host: string, port: number): string[] {
    const keys = this.about(host, port).filter((key) => !key.revoked);
    return [
      ...keys.map((key) => `${fingerprint(key.blob)} (${familyOf(key.type) ?? key.type}), line ${key.line}`),
      ...this.prints.map((print) => `${print.fingerprint}${print.family ? ` (${print.family})` : ''}, line ${print.line}`),
    ];
  }

  private about(host: string, port: number): KnownKey[] {
    const named = this.named(knownHostsName(host, port));
    if (named.some((key) => !key.revoked) || port === 22) return named;
    return [...named, ...this.named(host)];
  }

  private named(name: string): KnownKey[] {
    return this.keys.filter((key) => key.matches(name.toLowerCase()));
  }
}

/**
 * Reads the setting known-hosts: lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) and
 * fingerprints (`SHA256:…`, or lines of `ssh-keygen -l`), mixed as one likes.
 *
 * @throws DeployError that names every line that cannot be read. The lines themselves are not quoted.
 */
export function parseKnownHosts(text: string): KnownHosts {
  if (/PRIVATE KEY/.test(text)) throw refuse('There is a private key in known-hosts', 'Store it as private-key, and change it: a value that is not a secret may have been shown.', '');
  const keys: KnownKey[] = [];
  const prints: KnownFingerprint[] = [];
  const problems: string[] = [];
  text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r|\\r\\n|\\n/).forEach((raw, index) => {
    const line = raw.trim();
    const number = index + 1;
    if (line === '' || line.startsWith('#')) return;
    const found = parseFingerprints(line) ?? parseKeyLine(line);
    if (typeof found === 'string') problems.push(`line ${number}: ${found}`);
    else if (Array.isArray(found)) prints.push(...found.map((print) => ({ ...print, line: number })));
    else keys.push({ ...found, line: number });
  });
  if (problems.length > 0) {
    const lines = problems.length === 1 ? 'a line' : `${problems.length} lines`;
    throw refuse(`There is ${lines} in known-hosts that cannot be used`, 'Each line is one of a known_hosts file (ssh-keyscan -t ed25519 <host> prints one) or a fingerprint (SHA256:…).', problems.join('\n'));
  }
  return new KnownHosts(keys, prints);
}

/** Gives fingerprints, a complaint, or nothing if the line is not about fingerprints. */
function parseFingerprints(line: string): Omit<KnownFingerprint, 'line'>[] | string | undefined {
  if (/^(\d+\s+)?(MD5:)?([0-9a-f]{2}:){15}[0-9a-f]{2}\b/i.test(line)) return 'MD5 fingerprints are not safe any more: use the SHA256 one (ssh-keygen -lf prints it)';
  const listed = /^\d+\s+(SHA256:\S+)(?:\s.*\(([A-Z0-9-]+)\))?/.exec(line);
  const given = listed ? [listed[1] ?? ''] : line.split(/[\s,]+/).filter(Boolean);
  if (!given[0]?.startsWith('SHA256:')) return undefined;
  const family = keyFamilies.find((name) => name === listed?.[2]);
  const prints = given.map((word) => ({ fingerprint: word.replace(/=$/, ''), family }));
  // SHA-256 is 32 bytes, which base64 writes as 43 characters and one "=".
  if (prints.some((print) => !/^SHA256:[A-Za-z0-9+/]{43}$/.test(print.fingerprint))) return 'a fingerprint is SHA256: and 43 characters';
  return prints;
}

/** Gives a key of a host, or a complaint. */
function parseKeyLine(line: string): Omit<KnownKey, 'line'> | string {
  const words = line.split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (marker === '@cert-authority') return '@cert-authority is not supported: put the host\'s own key here instead';
  if (marker !== undefined && marker !== '@revoked') return 'the marker is not known (only @revoked is)';
  const [names = '', type = '', base64 = ''] = words;
  if (/^(ssh-|ecdsa-|sk-)/.test(names) && type.startsWith('AAAA')) return 'the host\'s name is missing before the key';
  if (!type || !base64) return 'a host, a key type and a key are expected';
  if (/^\d+$/.test(type)) return 'this is a key of SSH protocol 1';
  const blob = Buffer.from(base64, 'base64');
  const strings = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? blobStrings(blob) : undefined;
  if (!strings || strings.length < 2) return 'the key is damaged or cut off';
  if (strings[0]?.toString('latin1') !== type) return 'the key is not of the type that the line says';
  const matches = nameMatcher(names);
  return typeof matches === 'string' ? matches : { type, blob, revoked: marker === '@revoked', matches };
}

/** Gives a function that tells whether a list of patterns, or a hashed name, means a host; or a complaint. */
function nameMatcher(names: string): ((name: string) => boolean) | string {
  if (names.startsWith('|')) {
    const [, kind, salt, hash] = names.split('|');
    if (kind !== '1' || !salt || !hash) return 'the hashed name is damaged or of a kind that is not known';
    const key = Buffer.from(salt, 'base64');
    const wanted = Buffer.from(hash, 'base64');
    return (name) => createHmac('sha1', key).update(name).digest().equals(wanted);
  }
  const patterns = names.split(',').filter(Boolean).map((pattern) => ({
    no: pattern.startsWith('!'),
    glob: globMatcher(pattern.replace(/^!/, '').toLowerCase()),
  }));
  return (name) => {
    const hits = patterns.filter((pattern) => pattern.glob(name));
    return hits.length > 0 && !hits.some((pattern) => pattern.no);
  };
}

/** `*` and `?` as in ssh_config(5), PATTERNS; nothing else is special. */
function globMatcher(pattern: string): (name: string) => boolean {
  const pieces = pattern.replace(/\*+/g, '*').split('').map((char) => (char === '*' ? '.*' : char === '?' ? '.' : char.replace(/[\\^$.|+()[\]{}]/, '\\$&')));
  const regex = new RegExp(`^${pieces.join('')}$`);
  return (name) => regex.test(name);
}

function refuse(what: string, next: string, details: string): DeployError {
  return new DeployError({ step: 'settings', what, next, settings: ['known-hosts'], details });
}
