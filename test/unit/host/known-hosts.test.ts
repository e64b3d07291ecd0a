import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DeployError } from '../../../src/errors.js';
import { parseKnownHosts } from '../../../src/host/known-hosts.js';
import { newKey } from '../../../testbed/sshd.mjs';

type Key = ReturnType<typeof newKey> & { line: string; blob: Buffer };

let dir: string;
let ed: Key;
let ec: Key;
let rsa: Key;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bluegreen-known-hosts-'));
  [ed, ec, rsa] = ['ed25519', 'ecdsa', 'rsa'].map((type) => {
    const key = newKey(dir, type);
    const [name = '', base64 = ''] = key.publicKey.split(' ');
    return { ...key, line: `${name} ${base64}`, blob: Buffer.from(base64, 'base64') };
  }) as [Key, Key, Key];
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const verdict = (text: string, host: string, port: number, key: Key) => parseKnownHosts(text).verdict(host, port, key.blob);

function refusal(text: string) {
  try {
    parseKnownHosts(text);
  } catch (error) {
    if (error instanceof DeployError) return error.problem;
    throw error;
  }
  throw new Error('the lines were taken');
}

describe('names', () => {
  test('a plain name, in any case, on port 22', () => {
    expect(verdict(`Shop.example.com ${ed.line} a comment`, 'shop.EXAMPLE.com', 22, ed)).toBe('match');
    expect(verdict(`shop.example.com ${ed.line}`, 'shop.example.com', 22, ec)).toBe('mismatch');
    expect(verdict(`shop.example.com ${ed.line}`, 'other.example.com', 22, ed)).toBe('unknown');
    expect(verdict(`shop.example.com ${ed.line}`, 'shop-example-com', 22, ed)).toBe('unknown');
  });

  test('several names, wildcards, negation', () => {
    const text = `10.0.0.?,*.example.com,!db.example.com ${ed.line}`;
    expect(['10.0.0.7', 'a.b.example.com'].map((host) => verdict(text, host, 22, ed))).toEqual(['match', 'match']);
    expect(['10.0.0.77', 'example.com', 'db.example.com'].map((host) => verdict(text, host, 22, ed))).toEqual(['unknown', 'unknown', 'unknown']);
    expect(verdict(`!db.example.com ${ed.line}`, 'shop.example.com', 22, ed)).toBe('unknown');
  });

  test('a port other than 22 is [name]:port; the plain name is taken when only that is listed', () => {
    expect(verdict(`[shop]:2222 ${ed.line}`, 'shop', 2222, ed)).toBe('match');
    expect(verdict(`[shop]:2222 ${ed.line}`, 'shop', 22, ed)).toBe('unknown');
    expect(verdict(`[shop]:2222 ${ed.line}`, 'shop', 2223, ed)).toBe('unknown');
    expect(verdict(`[*]:2222 ${ed.line}`, 'shop', 2222, ed)).toBe('match');
    expect(verdict(`shop ${ed.line}`, 'shop', 2222, ed)).toBe('match');
    expect(verdict(`shop ${ed.line}`, 'shop', 2222, ec)).toBe('unknown');
    expect(verdict(`shop ${ec.line}\n[shop]:2222 ${ed.line}`, 'shop', 2222, ec)).toBe('mismatch');
    expect(verdict(`[2001:db8::1]:2222 ${ed.line}`, '2001:DB8::1', 2222, ed)).toBe('match');
  });

  test('hashed names, as ssh-keygen -H writes them', () => {
    const file = join(dir, 'hashed');
    writeFileSync(file, `shop.example.com ${ed.line}\n[shop.example.com]:2222 ${ec.line}\n`);
    spawnSync('ssh-keygen', ['-H', '-f', file]);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('shop');
    expect(verdict(text, 'Shop.example.com', 22, ed)).toBe('match');
    expect(verdict(text, 'shop.example.com', 2222, ec)).toBe('match');
    expect(verdict(text, 'shop.example.com', 2222, ed)).toBe('mismatch');
    expect(verdict(text, 'other.example.com', 22, ed)).toBe('unknown');
  });

  test('comments, empty lines, CRLF and literal \\n do not matter', () => {
    expect(verdict(`# shop:22 SSH-2.0-OpenSSH\r\n\r\n  shop\t${ed.line}\r\n`, 'shop', 22, ed)).toBe('match');
    expect(verdict(`other ${ec.line}\\nshop ${ed.line}`, 'shop', 22, ed)).toBe('match');
    for (const text of ['', ' \n', '# nothing\n']) expect(parseKnownHosts(text).empty).toBe(true);
  });
});

describe('@revoked', () => {
  test('refuses that key, whatever else is listed, and no other', () => {
    expect(verdict(`@revoked * ${ed.line}\nshop ${ed.line}`, 'shop', 22, ed)).toBe('revoked');
    expect(verdict(`shop ${ed.line}\n@revoked shop ${ed.line}\n${ed.fingerprint}`, 'shop', 2222, ed)).toBe('revoked');
    expect(verdict(`@revoked * ${ec.line}\nshop ${ed.line}`, 'shop', 22, ed)).toBe('match');
    expect(verdict(`@revoked * ${ec.line}`, 'shop', 22, ed)).toBe('unknown');
  });
});

describe('fingerprints', () => {
  test('one or several, in one line or more, and lines of ssh-keygen -l', () => {
    const listed = spawnSync('ssh-keygen', ['-lf', `${rsa.keyFile}.pub`], { encoding: 'utf8' }).stdout;
    expect(listed).toMatch(/^2048 SHA256:\S+ testbed \(RSA\)$/m);
    for (const text of [`${ed.fingerprint} ${rsa.fingerprint}`, `${ed.fingerprint}\n${rsa.fingerprint}=\n`, `${ed.fingerprint}, ${rsa.fingerprint}`, `${ed.fingerprint}\n${listed}`]) {
      expect([ed, rsa, ec].map((key) => verdict(text, 'anything', 2222, key))).toEqual(['match', 'match', 'mismatch']);
    }
    expect(parseKnownHosts(ed.fingerprint).hasFingerprints).toBe(true);
    expect(parseKnownHosts(`shop ${ed.line}`).hasFingerprints).toBe(false);
  });
});

describe('the algorithms a host is asked for', () => {
  const rsaAlgorithms = ['rsa-sha2-512', 'rsa-sha2-256'];
  const ecdsaAlgorithms = ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'];

  test('follow the order of the known types; the others come after', () => {
    const known = parseKnownHosts(`shop ${rsa.line}\nother ${ed.line}\nshop ${ec.line}`);
    expect(known.algorithms('shop', 22)).toEqual([...rsaAlgorithms, ...ecdsaAlgorithms.slice(0, 1), 'ssh-ed25519', ...ecdsaAlgorithms.slice(1)]);
    expect(known.algorithms('other', 22)).toEqual(['ssh-ed25519', ...ecdsaAlgorithms, ...rsaAlgorithms]);
  });

  test('with fingerprints: the type that stands beside it first, then all', () => {
    expect(parseKnownHosts(`256 ${ec.fingerprint} x (ECDSA)`).algorithms('shop', 22)).toEqual([...ecdsaAlgorithms, 'ssh-ed25519', ...rsaAlgorithms]);
    expect(parseKnownHosts(ec.fingerprint).algorithms('shop', 22)).toEqual(['ssh-ed25519', ...ecdsaAlgorithms, ...rsaAlgorithms]);
  });

  test('a revoked key is not asked for first', () => {
    expect(parseKnownHosts(`@revoked shop ${rsa.line}\nshop ${ed.line}`).algorithms('shop', 22)[0]).toBe('ssh-ed25519');
  });
});

describe('lines that cannot be used are all reported, by number, and not quoted', () => {
  test('many at once', () => {
    const [type = '', base64 = ''] = ed.line.split(' ');
    const problem = refusal([
      `shop ${ed.line}`,
      '# a comment',
      'shop',
      `shop ${type}`,
      `shop ${type} ${base64.slice(0, 40)}`,
      `shop ${type} not!base64`,
      `shop ssh-rsa ${base64}`,
      ed.line,
      `@cert-authority *.example.com ${ed.line}`,
      `@other shop ${ed.line}`,
      'shop 1024 35 1234567890',
      `|1|salt ${ed.line}`,
      `|2|c2FsdA==|aGFzaA== ${ed.line}`,
      'SHA256:tooshort',
      `${ed.fingerprint} shop`,
      'MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48',
    ].join('\n'));
    expect(problem.settings).toEqual(['known-hosts']);
    expect(problem.what).toContain('14 lines');
    expect(problem.details.split('\n').map((line) => /^line (\d+): /.exec(line)?.[1])).toEqual(['3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16']);
    expect(problem.details).toContain('line 9: @cert-authority is not supported');
    expect(problem.details).toContain('line 8: the host\'s name is missing');
    expect(problem.details).toContain('line 16: MD5');
    expect(JSON.stringify(problem)).not.toContain(base64.slice(0, 30));
  });

  test('a private key here is said to be one', () => {
    expect(refusal(ed.privateKey).what).toBe('There is a private key in known-hosts');
  });
});
