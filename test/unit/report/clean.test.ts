import { describe, expect, test } from '@jest/globals';
import { colourText, cutText, LastOutput, oneLine, plainText, tail } from '../../../src/report/clean.js';

describe('plainText', () => {
  test.each([
    ['\x1b[31mred\x1b[0m', 'red'],
    ['a\x1b]0;new title\x07b', 'ab'],
    ['a\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\b', 'alinkb'],
    ['a\x1b]never ended\nnext line', 'a\nnext line'],
    ['\x1b[2J\x1b[1;1Htop', 'top'],
    ['\x1bPq#0;2\x1b\\after', 'after'],
    ['\x9b31mred', 'red'],
    ['\x1b(Bascii\x1bc', 'ascii'],
    ['bell\x07 back\x08 nul\0 del\x7f', 'bell back nul del'],
    ['10%\r50%\r100%\ndone\r\n', '100%\ndone\n'],
    ['tab\tand\nline', 'tab\tand\nline'],
    ['half \ud83d pair', 'half \ufffd pair'],
    ['ends with \x1b', 'ends with '],
  ])('%j becomes %j', (text, expected) => expect(plainText(text)).toBe(expected));

  test('takes time in proportion to the text, whatever it holds', () => {
    const started = Date.now();
    for (const unit of ['\x1b[', '\x1b]', '\r', 'a\x1bP', '\x1b[0;']) plainText(unit.repeat(200_000));
    expect(Date.now() - started).toBeLessThan(2000);
  });
});

test('colourText keeps colours and nothing else', () => {
  expect(colourText('\x1b[1;31mred\x1b[0m\x1b[2K\x1b]0;title\x07\x07')).toBe('\x1b[1;31mred\x1b[0m');
});

describe('cutting', () => {
  test('cutText stays within the bytes, says that it cut, and never cuts a character in two', () => {
    const cut = cutText('é'.repeat(100), 50, '(cut)');
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(50);
    expect(cut).toMatch(/^é+\n\n\(cut\)$/);
    expect(cutText('short', 50, '(cut)')).toBe('short');
  });

  test('oneLine folds lines and stays within the bytes', () => {
    expect(oneLine(' a\n b\tc ')).toBe('a b c');
    expect(Buffer.byteLength(oneLine('😀'.repeat(100), 255))).toBeLessThanOrEqual(255);
    expect(oneLine('😀'.repeat(100), 255)).toMatch(/^😀+…$/u);
  });

  test('tail gives the last lines and says that others are left out', () => {
    expect(tail('a\nb\nc\n', 3, 100)).toBe('a\nb\nc');
    expect(tail('a\nb\nc\n', 2, 100)).toBe('… (what came before is left out)\nb\nc');
    const long = tail('x'.repeat(1000), 5, 200);
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(200);
    expect(long).toMatch(/x{100,}$/);
  });
});

describe('LastOutput', () => {
  test('keeps the end of what was added, in bounded memory', () => {
    const last = new LastOutput();
    const before = process.memoryUsage().heapUsed;
    for (let line = 0; line < 300_000; line++) last.add(`line ${line} ${'x'.repeat(90)}\n`);
    last.add('y'.repeat(5_000_000));
    last.add('\nthe end\n');
    expect(last.last(1, 4096)).toMatch(/the end$/);
    expect(last.last(60, 16 * 1024).length).toBeLessThanOrEqual(16 * 1024);
    expect(JSON.stringify(last).length).toBeLessThan(80 * 1024);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024);
  });

  test('forgets on clear', () => {
    const last = new LastOutput();
    last.add('old');
    last.clear();
    last.add('new');
    expect(last.last(10, 100)).toBe('new');
  });
});
