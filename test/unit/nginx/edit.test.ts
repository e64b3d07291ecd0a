import { describe, expect, test } from '@jest/globals';
import { readConfig, splitDump, walk } from '../../../src/nginx/config.js';
import { upstreamEdit, type UpstreamEdit } from '../../../src/nginx/edit.js';
import { applyRegion } from '../../../src/nginx/region.js';
import { dumpFrom, dumpOf, options, refusal, sample, samples } from './samples.js';
import { sameButServerLines, switched } from './switched.js';

const editOf = (dump: string): UpstreamEdit => upstreamEdit(readConfig(dump), options);

/** The upstream block of a small configuration, once changed to each slot. */
function variants(lines: string): { blue: string; green: string } {
  const edit = editOf(dumpOf(`http {\nupstream shop {\n${lines}\n}\n}\n`));
  const inner = (text: string) => text.replace(/^upstream shop \{\n/, '').replace(/\n\}$/, '');
  return { blue: inner(edit.blue), green: inner(edit.green) };
}

describe.each(samples)('%s', (_name, dump) => {
  test('switched to each slot, only that slot serves, and only server lines differ', () => {
    for (const slot of ['blue', 'green'] as const) {
      const after = switched(dump, slot);
      expect(editOf(after).serving).toBe(slot);
      sameButServerLines(dump, after);
    }
  });

  test('there and back gives the same bytes, and again the same', () => {
    const blue = switched(dump, 'blue');
    const green = switched(blue, 'green');
    expect(switched(green, 'blue')).toBe(blue);
    expect(switched(blue, 'blue')).toBe(blue);
    expect(switched(green, 'green')).toBe(green);
    expect(switched(switched(dump, 'green'), 'blue')).toBe(blue);
    expect(switched(switched(dump, 'green'), 'green')).toBe(switched(dump, 'green'));
  });

  test('each variant is there once, as whole lines, whichever is in place', () => {
    const edit = editOf(dump);
    const text = splitDump(dump).get(edit.file) ?? '';
    for (const one of [edit.region, edit.blue, edit.green]) {
      const now = applyRegion(text, edit.region, one);
      for (const next of [edit.region, edit.blue, edit.green]) applyRegion(now, one, next);
    }
    expect(edit.region).not.toMatch(/\n\r?$/);
  });
});

describe('the edit', () => {
  test('replaces the port where one slot has lines', () => {
    expect(variants(' server 127.0.0.1:9501 max_fails=0; # the 9501 of old')).toEqual({
      blue: ' server 127.0.0.1:9501 max_fails=0; # the 9501 of old',
      green: ' server 127.0.0.1:9502 max_fails=0; # the 9501 of old',
    });
    expect(variants('server "[::1]:9502";server localhost:9502 backup ;').blue).toBe('server "[::1]:9501";server localhost:9501 backup ;');
    expect(variants('server 127.0.0.1:09501;')).toEqual({ blue: 'server 127.0.0.1:9501;', green: 'server 127.0.0.1:9502;' });
  });

  test('lets a single line serve that was down', () => {
    expect(variants('server 127.0.0.1:9501 down;')).toEqual({ blue: 'server 127.0.0.1:9501;', green: 'server 127.0.0.1:9502;' });
    expect(variants('server 127.0.0.1:9501; server [::1]:9501 down;').green).toBe('server 127.0.0.1:9502; server [::1]:9502 down;');
  });

  test('moves `down` where both have lines', () => {
    expect(variants('server 127.0.0.1:9501; # a;\nserver 127.0.0.1:9502   weight=2   down ; # b')).toEqual({
      blue: 'server 127.0.0.1:9501; # a;\nserver 127.0.0.1:9502   weight=2   down ; # b',
      green: 'server 127.0.0.1:9501   down; # a;\nserver 127.0.0.1:9502   weight=2 ; # b',
    });
  });

  test('adds `down` where both serve, and after the last word where a comment follows', () => {
    expect(variants('server 127.0.0.1:9501 # why\n ;\nserver 127.0.0.1:9502;')).toEqual({
      blue: 'server 127.0.0.1:9501 # why\n ;\nserver 127.0.0.1:9502 down;',
      green: 'server 127.0.0.1:9501 down # why\n ;\nserver 127.0.0.1:9502;',
    });
  });

  test('does not let a comment swallow what follows a removed `down`', () => {
    expect(variants('server 127.0.0.1:9501;\nserver 127.0.0.1:9502 # why\n  down;').green).toBe('server 127.0.0.1:9501 down;\nserver 127.0.0.1:9502 # why\n;');
  });

  test('keeps `backup`', () => {
    expect(variants('server 127.0.0.1:9501; server 127.0.0.1:9502 backup;')).toEqual({
      blue: 'server 127.0.0.1:9501; server 127.0.0.1:9502 backup down;',
      green: 'server 127.0.0.1:9501 down; server 127.0.0.1:9502 backup;',
    });
  });

  test('removes each `down` of a line, and no other word like it', () => {
    expect(variants('server 127.0.0.1:9501 down down route=down; server 127.0.0.1:9502;').blue).toBe(
      'server 127.0.0.1:9501 route=down; server 127.0.0.1:9502 down;',
    );
  });

  test('leaves a `down` in the middle of a line where it is until the line changes', () => {
    const dump = dumpOf('http { upstream shop { server 127.0.0.1:9501; server 127.0.0.1:9502 down weight=2; } }');
    expect(switched(dump, 'blue')).toBe(dump);
    const round = switched(switched(dump, 'green'), 'blue');
    expect(round).toContain('9501; server 127.0.0.1:9502 weight=2 down;');
    expect(switched(switched(round, 'green'), 'blue')).toBe(round);
  });

  test('leaves other machines, sockets and other ports alone, and names them', () => {
    const lines = 'server 127.0.0.1:9501; server 10.0.0.9:9501 weight=2; server unix:/x:9501 down; server 127.0.0.1:9600;';
    expect(variants(lines).green).toBe(lines.replace(':9501;', ':9502;'));
    expect(editOf(dumpOf(`http { upstream shop { ${lines} } }`)).others).toEqual([
      'server 10.0.0.9:9501 weight=2',
      'server unix:/x:9501 down',
      'server 127.0.0.1:9600',
    ]);
  });

  test('says where it is, who serves, and how nginx writes the addresses', () => {
    const { file, line, serving, address } = editOf(sample('tls.conf'));
    expect({ file, line, serving, address }).toEqual({
      file: '/etc/nginx/conf.d/shop.conf',
      line: 1,
      serving: 'blue',
      address: { blue: '[::1]', green: '[::1]' },
    });
    expect(editOf(dumpOf('http { upstream shop { server localhost:9501; server 127.0.0.1:9502; } }')).address).toEqual({ blue: 'localhost', green: '127.0.0.1' });
  });
});

describe('the region', () => {
  test('is the whole lines of the block', () => {
    expect(editOf(sample('commented.conf')).region.split('\n')).toHaveLength(6);
    expect(editOf(sample('one-line.conf')).region).toBe(sample('one-line.conf').split('\n')[1]);
    expect(editOf(sample('both-ports.conf with CRLF')).region).toMatch(/^upstream shop \{\r\n[^]*\n\}\r$/);
  });

  test('is in the included file when the server lines are', () => {
    const edit = editOf(sample('included-servers.conf'));
    expect([edit.file, edit.line]).toEqual(['/etc/nginx/apps/shop/servers.inc', 3]);
    expect(edit.green).toBe('server 127.0.0.1:9501 max_conns=100 down;\n# between\nserver 127.0.0.1:9502 max_conns=100;');
  });

  test('grows by whole lines until no copy is like it, whichever variant is in place', () => {
    const block = 'upstream shop {\n  server 127.0.0.1:9501;\n}';
    const copy = block.replace('9501', '9502');
    const file = (before: string, after: string) => `http {\n  init_by_lua_block { local a = [[\n${copy}\n]] }\n${before}${block}${after}\n}\n`;
    expect(editOf(dumpOf(file('', ''))).region).toBe(`  init_by_lua_block { local a = [[\n${copy}\n]] }\n${block}`.split('\n').slice(-4).join('\n'));
    expect(editOf(dumpOf(file('\n', '\n\n'))).region).toBe(`\n${block}`);

    const same = `http {\n  init_by_lua_block { local a = [[\n#\n${copy}\n\n]] }\n#\n${block}\n\n}\n`;
    expect(editOf(dumpOf(same)).region).toMatch(/\}\n\n\}$/);
    switched(switched(dumpOf(same), 'green'), 'blue');
  });

  test('is refused when the lines are in several files', () => {
    const dump = dumpFrom(new Map([['/n/nginx.conf', 'http { upstream shop {\n include a; include b; } }'], ['/n/a', 'server 127.0.0.1:9501;'], ['/n/b', '\nserver 127.0.0.1:9502 down;']]));
    expect(refusal(() => editOf(dump))).toContain('/n/a:1, /n/b:2');
  });

  test('is refused when the bytes were lost in decoding', () => {
    expect(refusal(() => editOf(dumpOf('http { upstream shop { # caf\uFFFD\n server 127.0.0.1:9501; } }')))).toContain('UTF-8');
  });

  test('is refused where its lines are too long for one replacement', () => {
    const wide = (width: number) => editOf(dumpOf(`http { upstream shop { server 127.0.0.1:9501;${' '.repeat(width)}} }`));
    expect(wide(19_900).green).toContain('9502');
    expect(refusal(() => wide(20_000))).toMatch(/nginx\.conf:1 stands in lines that are too long/);
  });

  test('is replaced only where it is there once, as whole lines', () => {
    expect(applyRegion('x\na\ny', 'a', 'b\nc')).toBe('x\nb\nc\ny');
    expect(applyRegion('xa\na', 'a', 'b')).toBe('xa\nb');
    expect(applyRegion('a x\na', 'a', 'b')).toBe('a x\nb');
    expect(refusal(() => applyRegion('x\nab\ny', 'a', 'b'))).toContain('not in');
    expect(refusal(() => applyRegion('a\nb\na\n', 'a', 'b'))).toContain('more than once');
  });
});

test('every directive outside the app’s upstream is the same after a switch', () => {
  for (const [, dump] of samples) {
    const flat = (text: string) => [...walk(readConfig(text).directives)].filter((one) => one.parent?.name !== 'upstream').map((one) => [one.name, one.args, one.line, one.file]);
    expect(flat(switched(dump, 'green'))).toEqual(flat(dump));
  }
});
