import { describe, expect, test } from '@jest/globals';
import { duration, durationText } from '../../../src/settings/duration.js';
import { percentage, slotPorts, statusRanges, wholeNumber } from '../../../src/settings/numbers.js';
import { optional } from '../../../src/settings/parsed.js';
import { choice, commands, oneLine, yesOrNo } from '../../../src/settings/text.js';

const refused = { wrong: [expect.any(String)] };

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['45', 45_000],
    ['0', 0],
    ['5 m', 300_000],
  ])('%s is %d ms', (text, ms) => {
    expect(duration({ min: 0 })(text)).toEqual({ value: ms });
  });

  test.each(['', 's', '-5s', '1.5s', '1m30s', '5 minutes', '5M', '0x10', '1e3', '5s;', '٣s', '9999999999999999s'])('%j is refused', (text) => {
    expect(duration({ min: 0 })(text)).toEqual(refused);
  });

  test('outside of its bounds is refused, naming them', () => {
    expect(duration({ min: 100, max: 60_000 })('99ms')).toEqual({ wrong: ['must be between 100ms and 1m'] });
    expect(duration({ min: 100, max: 60_000 })('61s')).toEqual({ wrong: ['must be between 100ms and 1m'] });
    expect(duration({ min: 0 })('25h')).toEqual({ wrong: ['must be between 0s and 24h'] });
  });

  test.each([
    [0, '0s'],
    [1500, '1500ms'],
    [90_000, '90s'],
    [300_000, '5m'],
    [7_200_000, '2h'],
  ])('of %d ms is written as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

describe('numbers', () => {
  test.each(['1', '500', '1000'])('%s is a whole number between 1 and 1000', (text) => {
    expect(wholeNumber(1, 1000)(text)).toEqual({ value: Number(text) });
  });

  test.each(['0', '1001', '-1', '1.5', '1e2', 'five', '', '10000000000'])('%j is not', (text) => {
    expect(wholeNumber(1, 1000)(text)).toEqual({ wrong: ['must be a whole number between 1 and 1000'] });
  });

  test('ports are two different ones, blue first', () => {
    expect(slotPorts('9501,9502')).toEqual({ value: [9501, 9502] });
    expect(slotPorts('65535\n 1 ')).toEqual({ value: [65535, 1] });
  });

  test.each(['9501', '9501,9501', '9501,9502,9503', '0,9502', '9501,65536', '9501;9502', 'a,b', ''])('ports %j are refused', (text) => {
    expect(slotPorts(text)).toEqual(refused);
  });

  test.each([
    ['200-299', [{ from: 200, to: 299 }]],
    ['200', [{ from: 200, to: 200 }]],
    ['200, 204,301-302', [{ from: 200, to: 200 }, { from: 204, to: 204 }, { from: 301, to: 302 }]],
    ['100-599', [{ from: 100, to: 599 }]],
  ])('status codes %s', (text, ranges) => {
    expect(statusRanges(text)).toEqual({ value: ranges });
  });

  test.each(['', ',', '2xx', '99', '600', '299-200', '200-', '200-299-300', '20'])('status codes %j are refused', (text) => {
    expect(statusRanges(text)).toEqual(refused);
  });
});

describe('words', () => {
  const command = choice(['deploy', 'rollback', 'status', 'plan']);

  test('one of a few is taken, in lower case only', () => {
    expect(command('rollback')).toEqual({ value: 'rollback' });
    expect(command('Deploy')).toEqual({ wrong: ['must be deploy, rollback, status or plan; did you mean deploy?'] });
  });

  test.each([
    ['deplyo', 'deploy'],
    ['roll-back', 'rollback'],
    ['stauts', 'status'],
    ['plam', 'plan'],
  ])('%s: did you mean %s?', (text, near) => {
    expect(command(text)).toEqual({ wrong: [`must be deploy, rollback, status or plan; did you mean ${near}?`] });
  });

  test('a word that is like none of them gets the list only, however long it is', () => {
    expect(command('unlock')).toEqual({ wrong: ['must be deploy, rollback, status or plan'] });
    expect(command('x'.repeat(100_000))).toEqual({ wrong: ['must be deploy, rollback, status or plan'] });
  });

  test.each([
    ['true', true],
    ['TRUE', true],
    ['False', false],
    ['false', false],
  ])('%s is yes or no', (text, value) => {
    expect(yesOrNo(text)).toEqual({ value });
  });

  test.each(['yes', '1', 'tRUE', ''])('%j is neither', (text) => {
    expect(yesOrNo(text)).toEqual(refused);
  });

  test('one line is one line, of bounded length', () => {
    expect(oneLine(5)('ä b')).toEqual({ value: 'ä b' });
    expect(oneLine(5)('123456')).toEqual({ wrong: ['must not be longer than 5 characters'] });
    for (const text of ['a\nb', 'a\rb', 'a\tb', '\x1b[m', 'a\x85b', 'a\u2028b']) expect(oneLine(50)(text)).toEqual(refused);
  });

  test('commands keep all but the line ends of Windows', () => {
    expect(commands('cd "a  b"\r\n\tmake $X\r\n')).toEqual({ value: 'cd "a  b"\n\tmake $X\n' });
  });

  test('an optional setting may be empty', () => {
    expect(optional(undefined, wholeNumber(1, 2))('')).toEqual({ value: undefined });
    expect(optional(undefined, wholeNumber(1, 2))('3')).toEqual(refused);
  });
});

describe('a share in percent', () => {
  test.each([
    ['5%', 5],
    ['0', 0],
    ['2.5 %', 2.5],
    ['100%', 100],
  ])('%s is %d', (text, value) => {
    expect(percentage(text)).toEqual({ value });
  });

  test.each(['', '%', '101%', '-1', '5%%', '1e1', '.5', 'five'])('%j is refused', (text) => {
    expect(percentage(text)).toEqual(refused);
  });
});
