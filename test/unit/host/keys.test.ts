import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DeployError } from '../../../src/errors.js';
import { readPrivateKey } from '../../../src/host/keys.js';
import { newKey } from '../../../testbed/sshd.mjs';

let dir: string;
let ed25519: ReturnType<typeof newKey>;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bluegreen-keys-'));
  ed25519 = newKey(dir);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The problem that a key text is refused with; nothing of the text may be quoted in it. */
function refusal(text: string, passphrase = '') {
  try {
    readPrivateKey(text, passphrase);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    const said = JSON.stringify(error.problem);
    expect(text.split(/\s+/).filter((word) => word.length > 30 && said.includes(word))).toEqual([]);
    if (passphrase.length > 10) expect(said).not.toContain(passphrase);
    expect(error.problem.step).toBe('settings');
    return error.problem;
  }
  throw new Error('the key was taken');
}

describe('keys that work', () => {
  test.each([
    ['ed25519', undefined, false, 'ssh-ed25519'],
    ['ecdsa', 256, false, 'ecdsa-sha2-nistp256'],
    ['ecdsa', 384, false, 'ecdsa-sha2-nistp384'],
    ['ecdsa', 521, true, 'ecdsa-sha2-nistp521'],
    ['rsa', 2048, false, 'ssh-rsa'],
    ['rsa', 2048, true, 'ssh-rsa'],
  ])('%s %s, PEM %s', (type, bits, pem, expected) => {
    for (const passphrase of ['', 'open sesame']) {
      const key = newKey(dir, type, passphrase, { bits, pem, name: `${type}${bits}${pem}${passphrase.length}` });
      const read = readPrivateKey(key.privateKey, passphrase);
      expect(read.type).toBe(expected);
      expect(read.fingerprint).toBe(key.fingerprint);
    }
  });

  test('a passphrase for a key without one does no harm, nor does a newline after a passphrase', () => {
    expect(readPrivateKey(ed25519.privateKey, 'not needed').fingerprint).toBe(ed25519.fingerprint);
    const locked = newKey(dir, 'ecdsa', 'sesame', { pem: true, name: 'newline' });
    expect(readPrivateKey(locked.privateKey, 'sesame\n').fingerprint).toBe(locked.fingerprint);
  });
});

describe('what happens to a key on its way into a secret is mended', () => {
  const damages: [string, (text: string) => string][] = [
    ['CRLF', (text) => text.replace(/\n/g, '\r\n')],
    ['CR', (text) => text.replace(/\n/g, '\r')],
    ['literal \\n', (text) => text.replace(/\n/g, '\\n')],
    ['literal \\r\\n, quoted', (text) => `"${text.replace(/\n/g, '\\r\\n')}"`],
    ['literal \\\\n', (text) => text.replace(/\n/g, '\\\\n')],
    ['no last newline', (text) => text.trimEnd()],
    ['white space and a byte order mark around it', (text) => `\uFEFF \n\t${text}\n \n`],
    ['quotes', (text) => `'${text}'`],
    ['indented lines', (text) => text.replace(/^/gm, '    ')],
    ['empty lines between', (text) => text.replace(/\n/g, '\n\n')],
    ['spaces for newlines', (text) => text.replace(/\n/g, ' ')],
    ['newlines lost', (text) => text.replace(/\n/g, '')],
    ['base64 around it', (text) => Buffer.from(text).toString('base64')],
    ['base64 in lines around it, CRLF within', (text) => Buffer.from(text.replace(/\n/g, '\r\n')).toString('base64').replace(/.{76}/g, '$&\n')],
  ];
  test.each(damages)('%s', (_, damage) => {
    expect(readPrivateKey(damage(ed25519.privateKey), '')).toMatchObject({ type: 'ssh-ed25519', fingerprint: ed25519.fingerprint });
  });
  test.each(damages)('%s, of an encrypted PEM key with its headers', (_, damage) => {
    pem ??= newKey(dir, 'rsa', 'sesame', { pem: true, name: 'pem-headers' });
    const key = pem;
    expect(key.privateKey).toContain('DEK-Info');
    expect(readPrivateKey(damage(key.privateKey), 'sesame').fingerprint).toBe(key.fingerprint);
  });
  let pem: ReturnType<typeof newKey> | undefined;
});

describe('what is not a private key gets a message of its own', () => {
  test.each([['', 'empty'], [' \r\n"" ', 'empty'], ['\\n', 'empty']])('%j: empty', (text, word) => {
    expect(refusal(text)).toMatchObject({ what: expect.stringContaining(word), settings: ['private-key'] });
  });

  test('a public key, in each of its formats', () => {
    const rfc4716 = spawnSync('ssh-keygen', ['-ef', `${ed25519.keyFile}.pub`], { encoding: 'utf8' }).stdout;
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'sec1', format: 'pem' } });
    expect(rfc4716).toContain('BEGIN SSH2 PUBLIC KEY');
    for (const text of [ed25519.publicKey, rfc4716, publicKey, `"${ed25519.publicKey}"`]) expect(refusal(text).what).toBe('There is a public key in private-key');
  });

  test('a PuTTY key: says how to convert it', () => {
    for (const version of [2, 3]) {
      const text = `PuTTY-User-Key-File-${version}: ssh-ed25519\r\nEncryption: none\r\nComment: x\r\nPublic-Lines: 2\r\n`;
      expect(refusal(text)).toMatchObject({ what: expect.stringContaining('PuTTY'), next: expect.stringContaining('puttygen key.ppk -O private-openssh -o key') });
    }
  });

  test('a PKCS#8 key, encrypted or not: says how to convert it, and that works', () => {
    const plain = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey;
    const locked = generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' } }).privateKey;
    expect(refusal(plain).what).toContain('a PKCS#8 key (BEGIN PRIVATE KEY)');
    expect(refusal(locked, 'sesame').what).toContain('an encrypted PKCS#8 key');
    for (const [text, passphrase] of [[plain, ''], [locked, 'sesame']] as const) {
      expect(refusal(text).next).toContain('ssh-keygen -p -f key');
      const file = join(dir, `pkcs8${passphrase}`);
      const script = 'umask 077; printf %s "$KEY" > "$1"; ssh-keygen -p -P "$2" -N "$2" -f "$1" >&2; cat "$1"';
      const converted = spawnSync('sh', ['-c', script, 'sh', file, passphrase], { encoding: 'utf8', env: { ...process.env, KEY: text } }).stdout;
      expect(readPrivateKey(converted, passphrase).fingerprint).toContain('SHA256:');
    }
  });

  test('an encrypted key without a passphrase, and with a wrong one', () => {
    for (const pem of [false, true]) {
      const key = newKey(dir, 'ecdsa', 'open sesame', { pem, name: `locked${pem}` });
      expect(refusal(key.privateKey)).toMatchObject({ what: expect.stringContaining('there is no passphrase'), settings: ['passphrase', 'private-key'] });
      expect(refusal(key.privateKey, 'wrong-passphrase')).toMatchObject({ what: 'The passphrase does not open the private key', settings: ['passphrase', 'private-key'] });
    }
  });

  test('a key that is cut off or damaged, wherever', () => {
    const rsaPem = newKey(dir, 'rsa', '', { pem: true, name: 'cut' });
    const locked = newKey(dir, 'ed25519', 'sesame', { name: 'cut-locked' });
    for (const key of [ed25519, rsaPem, locked]) {
      const lines = key.privateKey.trim().split('\n');
      const [first = '', last = ''] = [lines[0], lines.at(-1)];
      const half = Math.ceil(lines.length / 2);
      const damaged = {
        'no END line': lines.slice(0, -1),
        'second half missing': lines.slice(0, half),
        'no BEGIN line': lines.slice(1),
        'the middle missing': [...lines.slice(0, half), last],
        'something foreign in it': [...lines.slice(0, half), '***', ...lines.slice(half)],
        'nothing in it': [first, last],
      };
      for (const [how, text] of Object.entries(damaged)) expect([how, refusal(text.join('\n'), 'sesame').what]).toEqual([how, expect.stringContaining('damaged or cut off')]);
    }
    const body = ed25519.privateKey.trim().split('\n').slice(1, -1).join('\n');
    expect(refusal(body).what).toContain('its BEGIN line is missing');
  });

  test('a DSA key, in each of its formats', () => {
    expect(refusal('-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----').what).toContain('DSA');
    // OpenSSH 10 no longer makes them.
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'dsa', '-N', '', '-f', join(dir, 'dsa')]).status === 0;
    if (made) expect(refusal(readFileSync(join(dir, 'dsa'), 'utf8')).what).toContain('DSA');
  });

  test('a certificate, several keys, a path, an unknown format, prose', () => {
    const cert = ed25519.publicKey.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com');
    expect(refusal(cert).what).toContain('certificate');
    expect(refusal('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----').what).toContain('certificate');
    expect(refusal(ed25519.privateKey + ed25519.privateKey).what).toContain('2 private keys');
    expect(refusal('~/.ssh/id_ed25519').what).toContain('path');
    expect(refusal('-----BEGIN FOO PRIVATE KEY-----\nMIIB\n-----END FOO PRIVATE KEY-----').what).toContain('format that is not supported');
    expect(refusal('${{ secrets.DEPLOY_KEY }}').what).toContain('is not a private key');
  });
});
