import { describe, expect, test } from '@jest/globals';
import { hostText, isHostName, mergeTarget, userName } from '../../../src/settings/host.js';

const refused = { wrong: [expect.any(String)] };

describe('host', () => {
  test.each([
    ['shop.example.com', { host: 'shop.example.com' }],
    ['deploy@shop', { host: 'shop', user: 'deploy' }],
    ['deploy@shop:2222', { host: 'shop', user: 'deploy', port: 2222 }],
    ['127.0.0.1:22', { host: '127.0.0.1', port: 22 }],
    ['build_box', { host: 'build_box' }],
    ['xn--bcher-kva.example.', { host: 'xn--bcher-kva.example.' }],
    ['2001:db8::1', { host: '2001:db8::1' }],
    ['[2001:db8::1]', { host: '2001:db8::1' }],
    ['deploy@[::1]:2222', { host: '::1', user: 'deploy', port: 2222 }],
    ['fe80::1%eth0', { host: 'fe80::1%eth0' }],
    ['a.b@corp@shop', { host: 'shop', user: 'a.b@corp' }],
    ['CORP\\deploy@shop', { host: 'shop', user: 'CORP\\deploy' }],
  ])('%s', (text, value) => {
    expect(hostText(text)).toEqual({ value });
  });

  test.each(['@shop', 'deploy@', ':22', 'shop:', 'shop:0', 'shop:65536', 'shop:ssh', '-oProxyCommand=x', 'deploy@-x', '-l@shop', 'a b', 'shop\nother', 'ssh://shop', 'shop/x', '1::2::3', '[shop]:22', '[::1', '[::1]22', 'a..b', 'shöp', 'x'.repeat(300)])(
    '%j is refused',
    (text) => {
      expect(hostText(text)).toEqual(refused);
    },
  );

  test('a host name is letters, digits, ".", "-" and "_"', () => {
    for (const name of ['shop', 'a-b.example.com', '10.0.0.1', '_dmarc.example']) expect(isHostName(name)).toBe(true);
    for (const name of ['', '.', 'a b', '-a', 'a.-b', 'a/b', 'a:1', `${'x'.repeat(64)}.de`]) expect(isHostName(name)).toBe(false);
  });

  test.each(['-l', 'a b', '', 'a:b', "a'b", 'a\nb', 'x'.repeat(70)])('user %j is refused', (text) => {
    expect(userName(text)).toEqual(refused);
  });
});

describe('host, user and port together', () => {
  test('the port is 22 unless one is named, in either place', () => {
    expect(mergeTarget({ host: 'shop', user: 'deploy' }, '', undefined)).toEqual({ host: 'shop', user: 'deploy', port: 22 });
    expect(mergeTarget({ host: 'shop', user: 'deploy' }, '', 2222)).toEqual({ host: 'shop', user: 'deploy', port: 2222 });
    expect(mergeTarget({ host: 'shop', port: 2222 }, 'deploy', undefined)).toEqual({ host: 'shop', user: 'deploy', port: 2222 });
  });

  test('may say the same twice', () => {
    expect(mergeTarget({ host: 'shop', user: 'deploy', port: 22 }, 'deploy', 22)).toEqual({ host: 'shop', user: 'deploy', port: 22 });
  });

  test('must not contradict each other', () => {
    expect(mergeTarget({ host: 'shop', user: 'deploy', port: 22 }, 'root', 2222)).toEqual([
      { name: 'user', message: 'is not the user that host names (deploy): leave one of the two out' },
      { name: 'port', message: 'is not the port that host names (22): leave one of the two out' },
    ]);
  });

  test('must say who logs in', () => {
    expect(mergeTarget({ host: 'shop' }, '', undefined)).toEqual([{ name: 'user', message: expect.stringContaining('say who logs in') }]);
  });
});
