import { describe, expect, test } from '@jest/globals';
import { contextOf, readConfig, splitDump, walk } from '../../../src/nginx/config.js';
import { globMatches } from '../../../src/nginx/glob.js';
import { dumpFrom, dumpOf, refusal, sample, samples } from './samples.js';

const files = (...entries: [string, string][]) => dumpFrom(new Map(entries));
const names = (dump: string) => [...walk(readConfig(dump).directives)].map((one) => [...contextOf(one), one.name, ...one.args].join(' '));

describe('the dump', () => {
  test('gives each file its bytes, with and without a last line feed', () => {
    const dump = files(['/a/nginx.conf', 'include b;\n'], ['/a/b', 'x y;'], ['/a/c', '']);
    expect([...splitDump(dump)]).toEqual([['/a/nginx.conf', 'include b;\n'], ['/a/b', 'x y;'], ['/a/c', '']]);
  });

  test.each(samples)('%s is split and put together again', (_name, dump) => {
    expect(dumpFrom(splitDump(dump))).toBe(dump);
    expect(readConfig(dump).directives.length).toBeGreaterThan(0);
  });

  test('a marker of a file that came before, or that nothing includes, is a comment', () => {
    const text = 'a;\n# configuration file /a/nginx.conf:\nb;\n# configuration file /etc/elsewhere:\nc;\r\n# configuration file /x:\r\nd;\n';
    expect(readConfig(dumpOf(text, '/a/nginx.conf')).files).toEqual(new Map([['/a/nginx.conf', text]]));
    expect(names(dumpOf(text, '/a/nginx.conf'))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('what stands before it does not count', () => {
    expect(names(`nginx: [warn] something\n${dumpOf('a;')}`)).toEqual(['a']);
  });

  test.each(['', 'sudo: a password is required', 'x # configuration file /a:\n'])('%j is no dump', (text) => {
    expect(refusal(() => readConfig(text))).toContain('nginx-command');
  });
});

describe('includes', () => {
  test('are relative to the folder of the main file, at every level, in any context', () => {
    const dump = files(
      ['/etc/nginx/nginx.conf', 'http { include apps/*/site.conf; server { include snippets/x.conf; } }'],
      ['/etc/nginx/apps/a/site.conf', 'include apps/a/more.inc; last;'],
      ['/etc/nginx/apps/a/more.inc', 'upstream a { include /srv/servers; }'],
      ['/srv/servers', 'server 127.0.0.1:1;'],
      ['/etc/nginx/snippets/x.conf', 'location / { return 204; }'],
    );
    expect(names(dump)).toEqual([
      'http',
      'http upstream a',
      'http upstream server 127.0.0.1:1',
      'http last',
      'http server',
      'http server location /',
      'http server location return 204',
    ]);
  });

  test('by a pattern come in the order of their names, and may be none', () => {
    const dump = files(['/n/nginx.conf', 'include z/*; include d/[ab]?.conf;'], ['/n/d/b1.conf', 'b;'], ['/n/d/a1.conf', 'a;']);
    expect(names(dump)).toEqual(['a', 'b']);
  });

  test('a file may come several times', () => {
    expect(names(files(['/n/nginx.conf', 'a { include x; } b { include x; }'], ['/n/x', 'y;']))).toEqual(['a', 'a y', 'b', 'b y']);
  });

  test('work in types, map and geo, where a compiled base may take the place of a file', () => {
    const dump = files(['/n/nginx.conf', 'map $a $b { include m; \\include 2; } geo $c { ranges; include g.conf; }'], ['/n/m', 'x 1;']);
    expect(names(dump)).toEqual(['map $a $b', 'map x 1', 'map \\include 2', 'geo $c', 'geo ranges']);
  });

  test('of a file that is not in the dump are refused with the place', () => {
    expect(refusal(() => readConfig(dumpOf('a;\ninclude gone.conf;')))).toContain('/etc/nginx/nginx.conf:2: the file that is included here, /etc/nginx/gone.conf,');
  });

  test('that lead to themselves, or grow without end, are refused', () => {
    expect(refusal(() => readConfig(dumpOf('include nginx.conf;')))).toContain('endless');
    const doubling = Array.from({ length: 40 }, (_, i): [string, string] => [`/n/${i}`, `a; include ${i + 1}; include ${i + 1};`]);
    expect(refusal(() => readConfig(files(...doubling, ['/n/40', 'b;'])))).toContain('endless');
  });

  test('an error in an included file names that file', () => {
    expect(refusal(() => readConfig(files(['/n/nginx.conf', 'include x;'], ['/n/x', '\n\n}'])))).toContain('/n/x:3:');
  });

  test('give the whole tree of the Debian layout', () => {
    const all = names(sample('debian.conf'));
    expect(all).toContain('http upstream server 127.0.0.1:9501 max_fails=0');
    expect(all).toContain('http server location proxy_set_header Host $http_host');
    expect(all.filter((one) => one.startsWith('http upstream shop'))).toHaveLength(1);
  });
});

describe('patterns are those of glob(3)', () => {
  test.each<[string, string, boolean]>([
    ['/a/*.conf', '/a/x.conf', true],
    ['/a/*.conf', '/a/x.conf.bak', false],
    ['/a/*', '/a/b/c', false],
    ['/a/*', '/a/.hidden', false],
    ['/a/.*', '/a/.hidden', true],
    ['/a/?.conf', '/a/x.conf', true],
    ['/a/?.conf', '/a/xy.conf', false],
    ['/a/[a-c]x', '/a/bx', true],
    ['/a/[!a-c]x', '/a/bx', false],
    ['/a/[^a-c]x', '/a/dx', true],
    ['/a/[]x]', '/a/]', true],
    ['/a/[x', '/a/[x', true],
    ['/*/b/*', '/a/b/c', true],
    ['/a/x+(y).conf', '/a/x+(y).conf', true],
    ['/a/\\*', '/a/*', true],
    ['/a/\\*', '/a/x', false],
    ['/a/*b*d', '/a/abcbd', true],
    [`/a/${'*a'.repeat(50)}b`, `/a/${'a'.repeat(5000)}`, false],
  ])('%s %s', (pattern, path, matches) => {
    expect(globMatches(pattern, path)).toBe(matches);
  });
});
