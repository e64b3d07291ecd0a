import { describe, expect, test } from '@jest/globals';
import { parseFile, type Statement } from '../../../src/nginx/parser.js';
import { refusal } from './samples.js';

const parse = (text: string) => parseFile('/etc/nginx/x.conf', text);
const shape = (statements: Statement[] | undefined): unknown[] =>
  (statements ?? []).map((one) => (one.block ? [one.name, ...one.args, shape(one.block)] : [one.name, ...one.args]));

describe('words', () => {
  test.each<[string, unknown[]]>([
    ['a b;', [['a', 'b']]],
    ['a b; c;d\te ;', [['a', 'b'], ['c'], ['d', 'e']]],
    [`a "b c" 'd "e"' "f;{}#g";`, [['a', 'b c', 'd "e"', 'f;{}#g']]],
    [`a "b\\"c" 'd\\'e' f\\;g h\\ i;`, [['a', 'b"c', "d'e", 'f\\;g', 'h\\ i']]],
    ['a "tab\\tline\\nother\\d\\\\";', [['a', 'tab\tline\nother\\d\\']]],
    ['a ${b}c{d;}', [['a', '${b}c', [['d']]]]],
    ['a "${b}" $c;', [['a', '${b}', '$c']]],
    ['a b}c d#e;', [['a', 'b}c', 'd#e']]],
    ['a b"c d";', [['a', 'b"c', 'd"']]],
    ['if ($a = "x") { b; }', [['if', '($a', '=', 'x', ')', [['b']]]]],
    ['a { b { c; } d {} } e;', [['a', [['b', [['c']]], ['d', []]]], ['e']]],
    ['a{b;}c;', [['a', [['b']]], ['c']]],
    ['a # b; {\n c;', [['a', 'c']]],
    ['a ""; b \'\';', [['a', ''], ['b', '']]],
    ['# only a comment', []],
    ['', []],
    ['a\r\n\tb;\r\n', [['a', 'b']]],
    ['"a b" c;', [['a b', 'c']]],
    ['map $a $b { ~^x$ 1; "~{2}" 2; "" 3; \\default 4; *.example.com 5; }', [['map', '$a', '$b', [['~^x$', '1'], ['~{2}', '2'], ['', '3'], ['\\default', '4'], ['*.example.com', '5']]]]],
    ['a ü "ж";', [['a', 'ü', 'ж']]],
  ])('%j', (text, expected) => {
    expect(shape(parse(text))).toEqual(expected);
  });

  test('know where they stand', () => {
    const text = '# x\r\nhttp {\r\n\tserver  "a;b"\r\n down ; }';
    const [http] = parse(text);
    const server = http?.block?.[0];
    expect([http?.line, server?.line]).toEqual([2, 3]);
    expect(text.slice(http?.start, http?.end)).toBe('http {\r\n\tserver  "a;b"\r\n down ; }');
    expect(text.slice(server?.start, server?.end)).toBe('server  "a;b"\r\n down ;');
    expect(server?.words.map((word) => text.slice(word.start, word.end))).toEqual(['server', '"a;b"', 'down']);
  });
});

describe('Lua blocks', () => {
  test.each([
    ['x = "}"'],
    ["x = '\\'}'"],
    ['-- } it\'s\n x = 1'],
    ['--[[ } ]] x = 1'],
    ['--[==[ ]] } ]==] x = 1'],
    ['x = [[ } "\' ]]'],
    ['x = [=[ ]] } ]=]'],
    ['x = { y = { 1 } }'],
    ['x = t[1] y = t[z[2]]'],
    ['x = #t # not nginx\'s comment" \n'],
  ])('%j is skipped as a whole', (code) => {
    const [first, second] = parse(`content_by_lua_block {${code}} after;`);
    expect(first?.code).toBe(code);
    expect(second?.name).toBe('after');
  });

  test('have arguments', () => {
    expect(parse('set_by_lua_block $x { return "}" }')[0]?.args).toEqual(['$x']);
  });
});

describe('text that cannot be followed is refused with file and line', () => {
  test.each([
    ['a;\nb', 2],
    ['a;\nb {', 2],
    ['a;\nb { c;\n', 2],
    ['a;\n}', 2],
    ['a;\n;', 2],
    ['a;\n{ b; }', 2],
    ['a {\n b }', 2],
    ['a\n"b', 2],
    ["a\n'b\\';", 2],
    ['a\n"b"c;', 2],
    ['a\n"b"}', 2],
    ['a \\', 1],
    ['\ncontent_by_lua_block { "', 2],
    ['\ncontent_by_lua_block { [[ }', 2],
    [`\n${'a {'.repeat(100_000)}${'}'.repeat(100_000)}`, 2],
  ])('%#', (text, line) => {
    expect(refusal(() => parse(text))).toContain(`/etc/nginx/x.conf:${line}:`);
  });
});
