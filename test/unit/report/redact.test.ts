import { describe, expect, test } from '@jest/globals';
import { OutputLines } from '../../../src/report/output-lines.js';
import { redactor } from '../../../src/report/redact.js';

const secret = "p&ss w/ord'+\"ÿ\\1";
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nAAAAtzc2gtZWQyNTUxOQAAACD\nab==\n-----END OPENSSH PRIVATE KEY-----\n';

describe('redactor', () => {
  const redact = redactor([secret, key, '', '  ', 'on']);

  test.each([
    ['as it is', secret],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64 without padding', Buffer.from(secret).toString('base64').replace(/=+$/, '')],
    ['in base64 for URLs', Buffer.from(secret).toString('base64url')],
    ['URL-encoded', encodeURIComponent(secret)],
    ['as a form field', encodeURIComponent(secret).replaceAll('%20', '+')],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['quoted for a shell', secret.replaceAll("'", "'\\''")],
    ['as dash exports it', secret.replace(/'+/g, `'"$&"'`)],
    ['as bash exports it', secret.replace(/[\\"$`]/g, '\\$&')],
    ["as bash sets it, in $'…'", secret.replace(/[\\']/g, '\\$&')],
    ['a whole key', key],
    ['a key in JSON', JSON.stringify(key).slice(1, -1)],
  ])('%s', (_, form) => expect(redact(`before ${form} after`)).toMatch(/^before \*\*\*\s*after$/));

  test.each(['u', 'us', 'user:', 'x-access-token:'])('in the base64 of a longer text that begins with %j', (prefix) => {
    const token = 'ghs_0123456789abcdef';
    const text = redactor([token])(Buffer.from(`${prefix}${token}`).toString('base64'));
    const left = Buffer.from(text.replaceAll('*', ''), 'base64').toString('latin1');
    expect(text).toContain('***');
    expect(left).not.toContain('0123456789');
  });

  test('each line of a key of 6 or more characters, but not the lines that every key has', () => {
    const shown = redact('x b3BlbnNzaC1rZXktdjEAAAAA y\nab==\n-----BEGIN OPENSSH PRIVATE KEY-----');
    expect(shown).toBe('x *** y\nab==\n-----BEGIN OPENSSH PRIVATE KEY-----');
  });

  test('the lines of a key that was pasted with \\n written out', () => {
    expect(redactor([key.replaceAll('\n', '\\n')])('AAAAtzc2gtZWQyNTUxOQAAACD')).toBe('***');
  });

  test('the lines of a secret, as shells print them', () => {
    const lines = redactor([`first 'line' of it\nsecond "line" $of it`]);
    expect(lines(`A='first '\\''line'\\'' of it\nB="second \\"line\\" \\$of it"`)).toBe(`A='***\nB="***"`);
  });

  test('the longer of two secrets first', () => expect(redactor(['abcdef', 'abcdefghij'])('abcdefghij')).toBe('***'));

  test('nothing for empty and very short secrets', () => {
    expect(redact('switched on')).toBe('switched on');
    expect(redactor([])('text')).toBe('text');
  });
});

describe('OutputLines', () => {
  const token = 'ghs_0123456789abcdef';
  const all = (parts: string[]): string => {
    const lines = new OutputLines(redactor([token]));
    return parts.map((part) => lines.push(part)).join('') + lines.end();
  };

  test('gives whole lines as they come, and holds the unfinished one back', () => {
    const lines = new OutputLines(redactor([token]));
    expect(lines.push('one\ntw')).toBe('one\n');
    expect(lines.push('o')).toBe('');
    expect(lines.push('\nthree\nfo')).toBe('two\nthree\n');
    expect(lines.end()).toBe('fo');
    expect(lines.end()).toBe('');
  });

  test('redacts a secret wherever the pieces were cut', () => {
    for (let cut = 1; cut < token.length; cut++) expect(all([`a ${token.slice(0, cut)}`, `${token.slice(cut)} b\n`])).toBe('a *** b\n');
  });

  test('redacts a secret in a line too long to wait for, wherever it stands', () => {
    for (const offset of [-25, -20, -10, -1, 0, 1]) {
      const text = all(['x'.repeat(64 * 1024 + offset), token.slice(0, 7), token.slice(7), 'y'.repeat(70_000)]);
      expect(text).toContain('***');
      expect(text).not.toContain('0123456789');
      expect(text.replace(/[xy*]/g, '')).toBe('');
    }
  });

  test('holds back at most one long line', () => {
    const lines = new OutputLines(redactor([token]));
    for (let i = 0; i < 2000; i++) lines.push('z'.repeat(1000));
    expect(JSON.stringify(lines).length).toBeLessThan(70 * 1024);
  });

  test('redacts a secret that colours cut in two, and keeps other colours', () => {
    expect(all([`\x1b[31mred\x1b[0m\n${token.slice(0, 5)}\x1b[1m${token.slice(5)}\n`])).toBe('\x1b[31mred\x1b[0m\n***\n');
  });
});
