import { createHash } from 'node:crypto';

/** The kinds of host keys in the order in which they are preferred, each with the algorithms that prove it (RFC 8332 for RSA; SHA-1 is left out). */
const algorithmsOfFamily = {
  ED25519: ['ssh-ed25519'],
  ECDSA: ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  RSA: ['rsa-sha2-512', 'rsa-sha2-256'],
} as const;

/** A kind of host key, named as `ssh-keygen -l` names it. */
export type KeyFamily = keyof typeof algorithmsOfFamily;

export const keyFamilies = Object.keys(algorithmsOfFamily) as KeyFamily[];

/** A host key as it travels: the blob of RFC 4253, section 6.6, and the key type it names. */
export interface HostKey {
  type: string;
  blob: Buffer;
}

/** The strings that a key blob consists of, or nothing if it is cut off or has bytes too many. */
export function blobStrings(blob: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    strings.push(blob.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

/** Reads the key type out of a key blob; an unreadable one gets the type `unknown`. */
export function hostKey(blob: Buffer): HostKey {
  return { type: blobStrings(blob)?.[0]?.toString('latin1') ?? 'unknown', blob };
}

/** `SHA256:…` as `ssh-keygen -l` prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The kind of a key type (`ssh-rsa` -> `RSA`); nothing for a type that is not supported. */
export function familyOf(type: string): KeyFamily | undefined {
  if (type === 'ssh-rsa') return 'RSA';
  return keyFamilies.find((family) => (algorithmsOfFamily[family] as readonly string[]).includes(type));
}

/** The signature algorithms with which a server may prove a host key of this type, best first. */
export function algorithmsForType(type: string): string[] {
  return type === 'ssh-rsa' ? [...algorithmsOfFamily.RSA] : [type].filter((name) => familyOf(name));
}

export function algorithmsForFamily(family: KeyFamily): string[] {
  return [...algorithmsOfFamily[family]];
}

/** `SHA256:… (ED25519)`, for messages. */
export function describeKey(key: HostKey): string {
  return `${fingerprint(key.blob)} (${familyOf(key.type) ?? key.type})`;
}

/** The name under which known_hosts files list a host: `name`, or `[name]:port` for a port other than 22. */
export function knownHostsName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The line of a known_hosts file for a key of a host. */
export function knownHostsLine(host: string, port: number, key: HostKey): string {
  return `${knownHostsName(host, port)} ${key.type} ${key.blob.toString('base64')}`;
}
