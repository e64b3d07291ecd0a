import { DeployError } from '../errors.js';

/** A private key file with its lines put right. */
export interface KeyText {
  text: string;
  encrypted: boolean;
}

const makeKey = 'ssh-keygen -t ed25519 -f key';
const block = /-{3,}BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-{3,}/g;

/**
 * Finds the one private key in a text and writes it as its file would be.
 *
 * @param text what stands in the setting
 * @throws DeployError that says what the text is instead; it never quotes the text
 */
export function mendKeyText(text: string): KeyText {
  let clean = withLineBreaks(text);
  if (clean.replace(/["'\s]/g, '') === '') throw refuse('The private key is empty', 'Check the name of the secret: a secret that does not exist, or that a fork may not read, arrives empty.');
  clean = decoded(clean) ?? clean;
  if (/PuTTY-User-Key-File/.test(clean)) throw refuse('The private key is in PuTTY\'s format', 'Convert it, and store the new file: puttygen key.ppk -O private-openssh -o key');

  const begins = [...clean.matchAll(block)];
  const begin = begins[0];
  if (!begin) throw notPrivate(clean);
  if (begins.length > 1) throw refuse(`There are ${begins.length} private keys in private-key`, 'Leave only the one that the host knows.');

  const label = (begin[1] ?? '').trim();
  if (label === '' || label === 'ENCRYPTED') throw pkcs8(label);
  if (label === 'DSA') throw refuse('The private key is a DSA key, which OpenSSH no longer accepts', `Make a new one: ${makeKey}`);
  if (!['OPENSSH', 'RSA', 'EC'].includes(label)) throw refuse('The private key is in a format that is not supported', `OpenSSH's own format works, and RSA and EC keys in PEM. A new key: ${makeKey}`);

  const rest = clean.slice(begin.index + begin[0].length);
  const end = rest.search(new RegExp(`-{3,}END ${label} PRIVATE KEY-{3,}`));
  if (end < 0) throw cutOff('its END line is missing');
  return rebuild(label, rest.slice(0, end));
}

/** Every way in which a line break gets lost or doubled on the way into a secret, undone. */
function withLineBreaks(text: string): string {
  return text.replace(/\\+r\\+n|\\+[rn]|\r\n?/g, '\n').replace(/^[\s\uFEFF]+|\s+$/g, '');
}

/** The text inside base64, if it is a key file in base64. */
function decoded(text: string): string | undefined {
  const packed = text.replace(/["'\s]/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return undefined;
  const inside = Buffer.from(packed, 'base64').toString('latin1');
  return /BEGIN|PuTTY-User-Key-File/.test(inside) ? withLineBreaks(inside) : undefined;
}

/** Writes the key anew: headers of an encrypted PEM on lines of their own, the body in lines of 64. */
function rebuild(label: string, inner: string): KeyText {
  // The length of the IV follows from the cipher; it is what tells it from the body where all line breaks are lost.
  const dek = /DEK-Info:\s*(AES-[\w-]+),\s*([0-9A-F]{32})/i.exec(inner) ?? /DEK-Info:\s*([\w-]+),\s*([0-9A-F]{16})/i.exec(inner);
  const body = inner.replace(/Proc-Type:\s*4,\s*ENCRYPTED/, '').replace(dek?.[0] ?? '', '').replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw cutOff('there is something in it that does not belong there');
  const headers = dek ? `Proc-Type: 4,ENCRYPTED\nDEK-Info: ${dek[1]},${dek[2]}\n\n` : '';
  const lines = body.match(/.{1,64}/g) ?? [];
  const text = `-----BEGIN ${label} PRIVATE KEY-----\n${headers}${lines.join('\n')}\n-----END ${label} PRIVATE KEY-----\n`;
  return { text, encrypted: label === 'OPENSSH' ? hasCipher(Buffer.from(body, 'base64')) : dek !== null };
}

/** Whether a file in OpenSSH's format names a cipher (PROTOCOL.key of OpenSSH: magic, then the cipher's name as a string). */
function hasCipher(file: Buffer): boolean {
  const magic = 'openssh-key-v1\0';
  if (file.length < magic.length + 8 || file.toString('latin1', 0, magic.length) !== magic) throw cutOff('it does not begin as a key does');
  const length = file.readUInt32BE(magic.length);
  return file.toString('latin1', magic.length + 4, magic.length + 4 + length) !== 'none';
}

function notPrivate(text: string): DeployError {
  if (/-cert-v0[01]@openssh\.com|BEGIN CERTIFICATE/.test(text)) {
    return refuse('There is a certificate in private-key', 'Store the private key itself: the file whose name has neither -cert nor .pub in it.');
  }
  if (/^["']?(ssh-|ecdsa-|sk-)\S+\s+AAAA|BEGIN (SSH2 |RSA |EC )?PUBLIC KEY/.test(text)) {
    return refuse('There is a public key in private-key', 'Store the private key: the file of the same name without .pub. The public one belongs into authorized_keys on the host.');
  }
  if (/END (?:[A-Z0-9]+ )*PRIVATE KEY/.test(text) || text.replace(/\s/g, '').startsWith('b3BlbnNzaC1rZXktdjE')) {
    return cutOff('its BEGIN line is missing');
  }
  if (/^[~./\\\w-]*[/\\][\w./\\-]+$/.test(text)) return refuse('There is a path in private-key', 'Store what is in that file, not its name.');
  return refuse('What stands in private-key is not a private key', `It begins with -----BEGIN OPENSSH PRIVATE KEY-----. A new key: ${makeKey}`);
}

function pkcs8(label: string): DeployError {
  const kind = label === 'ENCRYPTED' ? 'an encrypted PKCS#8 key (BEGIN ENCRYPTED PRIVATE KEY)' : 'a PKCS#8 key (BEGIN PRIVATE KEY)';
  return refuse(
    `The private key is ${kind}, which SSH does not use`,
    `Have it written anew in OpenSSH's format and store that (on a copy with mode 600; the passphrase may stay as it is): ssh-keygen -p -f key. If that says "invalid format", as OpenSSH 9.2 does for Ed25519, make a new key: ${makeKey}`,
  );
}

function cutOff(why: string): DeployError {
  return refuse(
    `The private key is damaged or cut off: ${why}`,
    'Copy the whole file into the secret again, from its BEGIN line to its END line (gh secret set NAME < key does it without a clipboard).',
  );
}

function refuse(what: string, next: string): DeployError {
  return new DeployError({ step: 'settings', what, next, settings: ['private-key'] });
}
