import ssh2, { type ParsedKey } from 'ssh2';
import { DeployError } from '../errors.js';
import { fingerprint } from './host-key.js';
import { mendKeyText, type KeyText } from './key-text.js';

/** A private key that was read, found whole, and decrypted. */
export interface PrivateKey {
  /** The key file, mended: still encrypted if it was. */
  key: string;
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … */
  type: string;
  /** Fingerprint of its public half, as `ssh-keygen -l` prints it. */
  fingerprint: string;
  /** The decrypted key as ssh2 takes it; decrypting takes about 0.3 s, so it is done once. */
  parsed: ParsedKey;
}

/**
 * Reads a private key as people paste it into a secret: CRLF, literal `\n`, lost line breaks, quotes
 * around it and base64 around it are mended.
 *
 * @param text the key file in OpenSSH's format or as an RSA or EC key in PEM
 * @param passphrase empty for none
 * @returns the key; Ed25519, ECDSA on NIST's curves, or RSA
 * @throws DeployError with a message of its own for each thing that is not such a key. No message holds any part of the text.
 */
export function readPrivateKey(text: string, passphrase: string): PrivateKey {
  const file = mendKeyText(text);
  if (file.encrypted && passphrase === '') {
    throw new DeployError({
      step: 'settings',
      what: 'The private key is encrypted, and there is no passphrase',
      next: 'Put the key\'s passphrase into a secret and pass it as passphrase, or store the key without one (ssh-keygen -p -N \'\' -f key).',
      settings: ['passphrase', 'private-key'],
    });
  }
  const parsed = unlock(file, passphrase);
  if ((parsed.type as string) === 'ssh-dss') {
    throw new DeployError({
      step: 'settings',
      what: 'The private key is a DSA key, which OpenSSH no longer accepts',
      next: 'Make a new key (ssh-keygen -t ed25519 -f key), add key.pub to authorized_keys on the host, and store key as private-key.',
      settings: ['private-key'],
    });
  }
  return { key: file.text, type: parsed.type, fingerprint: fingerprint(parsed.getPublicSSH()), parsed };
}

function unlock(file: KeyText, passphrase: string): ParsedKey {
  if (!file.encrypted) {
    const parsed = parse(file.text);
    if (parsed instanceof Error) throw unreadable(parsed.message);
    return parsed;
  }
  // A secret that was piped from `echo` ends in a newline that is not part of the passphrase.
  const candidates = new Set([passphrase, passphrase.replace(/[\r\n]+$/, '')]);
  let reason = '';
  for (const candidate of candidates) {
    const parsed = parse(file.text, candidate);
    if (!(parsed instanceof Error)) return parsed;
    reason = parsed.message;
  }
  // What OpenSSH's format leaves in the clear is checked before the passphrase is used.
  if (/^Malformed OpenSSH private key$|nsupported/.test(reason)) throw unreadable(reason);
  throw new DeployError({
    step: 'settings',
    what: 'The passphrase does not open the private key',
    next: 'Check that passphrase and private-key belong together (ssh-keygen -y -f key asks for the passphrase and prints the public key if it is right).',
    settings: ['passphrase', 'private-key'],
  });
}

/** ssh2 reads the head of a key only and throws on some broken ones; a trial signature proves the rest. */
function parse(text: string, passphrase?: string): ParsedKey | Error {
  try {
    const parsed = ssh2.utils.parseKey(text, passphrase);
    if (parsed instanceof Error) return parsed;
    const probe = Buffer.from('probe');
    const signature: unknown = parsed.sign(probe);
    return Buffer.isBuffer(signature) && parsed.verify(probe, signature) === true ? parsed : new Error('trial signature failed');
  } catch {
    return new Error('unreadable');
  }
}

function unreadable(reason: string): DeployError {
  if (/nsupported/.test(reason)) {
    return new DeployError({
      step: 'settings',
      what: 'The private key is of a type that is not supported',
      next: 'Ed25519, ECDSA (P-256, P-384, P-521) and RSA keys work; a key that lives on a security key does not. Make one with: ssh-keygen -t ed25519 -f key',
      settings: ['private-key'],
    });
  }
  return new DeployError({
    step: 'settings',
    what: 'The private key is damaged or cut off',
    next: 'Copy the whole file into the secret again, from its BEGIN line to its END line (gh secret set NAME < key does it without a clipboard).',
    settings: ['private-key'],
  });
}
