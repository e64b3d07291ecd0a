import { describe, expect, test } from '@jest/globals';
import { envVariables } from '../../../src/settings/env.js';

/** The variables as an object, or what is wrong. */
function read(text: string): Record<string, string> | string[] {
  const parsed = envVariables(text);
  return 'value' in parsed ? Object.fromEntries(parsed.value.map(({ name, value }) => [name, value])) : parsed.wrong;
}

describe('bare values', () => {
  test.each([
    ['plain', 'A=1', '1'],
    ['empty', 'A=', ''],
    ['with = in it', 'A=b=c==', 'b=c=='],
    ['with $ and backquotes', 'A=$HOME ${X} $(id) `id`', '$HOME ${X} $(id) `id`'],
    ['with quotes inside', `A=it's "fine"`, `it's "fine"`],
    ['with backslashes', 'A=C:\\new\\"', 'C:\\new\\"'],
    ['with spaces inside', 'A=a  b', 'a  b'],
    ['with white space around, trimmed', '  A = \t x y \t\r', 'x y'],
    ['with # inside', 'A=a # b', 'a # b'],
    ['with characters of all the world', 'A=日本 🦊 ü', '日本 🦊 ü'],
  ])('%s', (_, text, value) => {
    expect(read(text)).toEqual({ A: value });
  });
});

describe('single quotes', () => {
  test.each([
    ['keep spaces', `A='  b  '`, '  b  '],
    ['keep $, backslashes and double quotes', `A='$X \\n \\\\ "q"'`, '$X \\n \\\\ "q"'],
    ['span lines, # and = inside included', `A='one\n# two\nB=3\n'`, 'one\n# two\nB=3\n'],
    ['may be empty', `A=''`, ''],
    ['keep the line ends of Windows', `A='one\r\ntwo'\r`, 'one\r\ntwo'],
  ])('%s', (_, text, value) => {
    expect(read(text)).toEqual({ A: value });
  });
});

describe('double quotes', () => {
  test.each([
    ['know \\n, \\", \\\\ and \\$', 'A="a\\nb \\"q\\" \\\\ \\$X"', 'a\nb "q" \\ $X'],
    ['leave any other backslash', 'A="\\t \\d"', '\\t \\d'],
    ['expand nothing', 'A="$HOME $(id) `id`"', '$HOME $(id) `id`'],
    ['span lines', `A="one\ntwo's"`, "one\ntwo's"],
    ['end at the first plain quote', 'A="\\\\"', '\\'],
  ])('%s', (_, text, value) => {
    expect(read(text)).toEqual({ A: value });
  });
});

test('blank lines and comments are skipped, the order is kept, a last line break is not needed', () => {
  expect(envVariables('\n# a comment\n  # B=1\n\t\nZ=1\nA="x\ny"\r\n\r\nM_2=3')).toEqual({
    value: [
      { name: 'Z', value: '1' },
      { name: 'A', value: 'x\ny' },
      { name: 'M_2', value: '3' },
    ],
  });
  expect(read('')).toEqual({});
});

describe('a bad line is named by its number', () => {
  test.each([
    ['no =', 'A=1\nhunter2', /^line 2: must be KEY=value/],
    ['no name', '=hunter2', /^line 1: must begin with a name/],
    ['a digit first', '1A=hunter2', /^line 1: must begin with a name/],
    ['a dash', 'hunter2-A=hunter2', /^line 1: must begin with a name/],
    ['a space in the name', 'hunter2 A=hunter2', /^line 1: must begin with a name/],
    ['export', 'export A=hunter2', /^line 1: must be KEY=value without export/],
    ['an open single quote', `\nA='hunter2\nB=1`, /^line 2: opens a quote/],
    ['an open double quote', 'A="hunter2\\"', /^line 1: opens a quote/],
    ['text after the closing quote', `A="x\nhunter2" hunter2`, /^line 1: has text after the closing quote/],
    ['the same name twice', 'hunter2=1\nB=2\nhunter2=3', /^line 3: sets the same name as line 1/],
    ['PATH', 'PATH=/hunter2', /^line 1: .*use the setting path/],
    ['a name of ours', 'BLUEGREEN_X=hunter2', /^line 1: .*BLUEGREEN_/],
  ])('%s', (_, text, message) => {
    const wrong = read(text);
    expect(wrong).toEqual([expect.stringMatching(message)]);
    expect(JSON.stringify(wrong)).not.toContain('hunter2');
  });

  test.each(['PORT', 'RELEASE', 'SHA', 'SLOT', 'SOCKET'])('%s is set by the deploy', (name) => {
    expect(read(`${name}=1`)).toEqual([`line 1: ${name} is set by the deploy itself: use another name`]);
    expect(read(`${name.toLowerCase()}=1\nMY_${name}=2`)).toMatchObject({ [`MY_${name}`]: '2' });
  });

  test('all of them at once, counting the lines of quoted values', () => {
    expect(read(`A='1\n2\n3'\nbad\nB="x\ny"\nPORT=1\nC=1\n`)).toEqual([expect.stringMatching(/^line 4: /), expect.stringMatching(/^line 7: /)]);
  });
});

test('100 KB in all are the bound, counted in bytes, as the shell text that they become', () => {
  const around = "export A=''\n".length;
  expect(read(`A=${'x'.repeat(100 * 1024 - around)}`)).toMatchObject({ A: expect.any(String) });
  expect(read(`A=${'x'.repeat(100 * 1024 - around + 1)}`)).toEqual([expect.stringContaining('100 KB')]);
  expect(read(`A=${'x'.repeat(100 * 1024)}`)).toEqual([expect.stringContaining('100 KB')]);
  expect(read(`A=${'ü'.repeat(60 * 1024)}`)).toEqual([expect.stringContaining('100 KB')]);
  // Each single quote takes four characters there.
  expect(read(`A="${"'".repeat(26 * 1024)}"`)).toEqual([expect.stringContaining('quotes escaped')]);
});
