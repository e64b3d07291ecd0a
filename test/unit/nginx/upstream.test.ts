import { describe, expect, test } from '@jest/globals';
import { isThisMachine, parseAddress, parseTarget } from '../../../src/nginx/address.js';
import { readConfig } from '../../../src/nginx/config.js';
import { findUpstream, serverLines, servingOf, slotLines } from '../../../src/nginx/upstream.js';
import { inHttp, options, refusal, sample } from './samples.js';

describe('the upstream', () => {
  test.each([
    ['debian.conf', '/etc/nginx/conf.d/upstreams.conf', 6, 'http'],
    ['several-apps.conf', '/usr/local/nginx/conf/nginx.conf', 12, 'http'],
    ['stream.conf', '/etc/nginx/nginx.conf', 5, 'stream'],
    ['quoted-name.conf', '/etc/nginx/nginx.conf', 3, 'http'],
    ['lua.conf', '/usr/local/openresty/nginx/conf/nginx.conf', 17, 'http'],
    ['commented.conf', '/etc/nginx/nginx.conf', 10, 'http'],
  ])('is found in %s', (name, file, line, context) => {
    const block = findUpstream(readConfig(sample(name)), options);
    expect([block.file, block.line, block.parent?.name]).toEqual([file, line, context]);
  });

  test('that is missing is refused with the lines to add and the names that are there', () => {
    const text = refusal(() => findUpstream(readConfig(sample('several-apps.conf')), { upstream: 'wiki', ports: [7001, 7002] }));
    expect(text).toContain('upstream wiki { server 127.0.0.1:7001; }');
    expect(text).toContain('proxy_pass http://wiki;');
    expect(text).toContain('admin, shop, shop-api, shop2');
    expect(text).toContain('"settings":["nginx-upstream"]');
  });

  test('in a comment or in another context is none', () => {
    expect(refusal(() => findUpstream(inHttp('# upstream shop { server 127.0.0.1:9501; }\nserver { upstream shop; }'), options))).toContain('no upstream shop');
  });

  test('that is there twice is refused with both places, also across http and stream', () => {
    const config = readConfig('# configuration file /n:\nhttp { upstream shop { server a; } }\nstream {\nupstream shop { server a; } }\n\n');
    const text = refusal(() => findUpstream(config, options));
    expect(text).toContain('/n:1 (http)');
    expect(text).toContain('/n:3 (stream)');
  });
});

describe('server lines', () => {
  const read = (lines: string) => {
    const config = inHttp(`upstream shop { ${lines} }`);
    return serverLines(findUpstream(config, options), options);
  };

  test.each([
    ['server 127.0.0.1:9501;', 'blue'],
    ['server 127.8.9.10:9502;', 'green'],
    ['server localhost:9501;', 'blue'],
    ['server LOCALHOST:9501;', 'blue'],
    ['server 0.0.0.0:9501;', 'blue'],
    ['server [::]:9501;', 'blue'],
    ['server [::1]:9502;', 'green'],
    ['server [0:0:0:0:0:0:0:1]:9502;', 'green'],
    ['server 192.0.2.10:9501;', 'blue'],
    ['server "127.0.0.1:9501";', 'blue'],
    ['server 192.0.2.11:9501;', undefined],
    ['server 127.0.0.1:9503;', undefined],
    ['server 127.0.0.1:95011;', undefined],
    ['server 127.0.0.1;', undefined],
    ['server shop.internal:9501;', undefined],
    ['server unix:/srv/9501;', undefined],
    ['server 10.127.0.1:9501;', undefined],
    ['server [2001:db8::1]:9501;', undefined],
  ])('%s is of slot %s', (line, slot) => {
    expect(read(line).map((one) => one.slot)).toEqual([slot]);
  });

  test.each([
    ['server 127.0.0.1:9501;', 'blue'],
    ['server 127.0.0.1:9502 weight=2;', 'green'],
    ['server 127.0.0.1:9501; server 127.0.0.1:9502 down;', 'blue'],
    ['server 127.0.0.1:9501 weight=3 "down" max_fails=1; server 127.0.0.1:9502;', 'green'],
    ['server 127.0.0.1:9501; server 127.0.0.1:9502;', 'both'],
    ['server 127.0.0.1:9501 down; server 127.0.0.1:9502 down;', 'none'],
    ['server 127.0.0.1:9501; server 127.0.0.1:9502 backup;', 'blue'],
    ['server 127.0.0.1:9501 down; server 127.0.0.1:9502 backup;', 'green'],
    ['server 127.0.0.1:9501 backup; server 127.0.0.1:9502 backup;', 'both'],
    ['server 127.0.0.1:9501; server 192.0.2.99:9502;', 'blue'],
    ['server 127.0.0.1:9501 down; server 10.0.0.1:80;', 'none'],
  ])('%s serves %s', (lines, serving) => {
    expect(servingOf(read(lines))).toBe(serving);
  });

  test('with a forgotten semicolon are refused with the place', () => {
    expect(refusal(() => read('server 127.0.0.1:9501\nzone { server 127.0.0.1:9502; }'))).toContain('/etc/nginx/nginx.conf:3: a block inside an upstream');
  });

  test('none of which has a slot port are refused with what is there and the setting', () => {
    const config = inHttp('upstream shop {\nserver 127.0.0.1:8000 weight=2;\nserver unix:/x; }');
    const block = findUpstream(config, options);
    const text = refusal(() => slotLines(block, serverLines(block, options), options));
    expect(text).toContain('/etc/nginx/nginx.conf:3 has no server line with port 9501 or 9502 on this machine; it has server 127.0.0.1:8000 weight=2 (line 4)');
    expect(text).toContain('"ports"');
  });
});

describe('addresses', () => {
  test('of servers', () => {
    expect(parseAddress('[::1]:80')).toEqual({ host: '[::1]', port: 80 });
    expect(parseAddress('a.b')).toEqual({ host: 'a.b', port: undefined });
    expect(parseAddress('unix:/x')).toBeUndefined();
    expect(parseAddress('$x:80')).toBeUndefined();
  });

  test('of passes', () => {
    expect(parseTarget('http://shop')).toEqual({ scheme: 'http', host: 'shop', port: undefined, uri: undefined });
    expect(parseTarget('https://[::1]:9501/a:b')).toEqual({ scheme: 'https', host: '[::1]', port: 9501, uri: '/a:b' });
    expect(parseTarget('shop:1$request_uri')).toEqual({ scheme: '', host: 'shop', port: 1, uri: '$request_uri' });
    expect(parseTarget('http://unix:/x:/')).toBeUndefined();
    expect(parseTarget('http://$x')).toBeUndefined();
  });

  test('the predicate is asked without brackets', () => {
    expect(isThisMachine('[fe80::1]', (address) => address === 'fe80::1')).toBe(true);
  });
});
