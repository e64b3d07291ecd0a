import { describe, expect, test } from '@jest/globals';
import { pathsInRelease, rootFolder, searchPath, sharedPaths } from '../../../src/settings/paths.js';

const refused = { wrong: [expect.any(String)] };

describe('root', () => {
  test.each(['/srv/shop', '/home/deploy/my shop', '/var/www/shop', '/opt/ä', '/tmp/x', '/srv/a..b', "/srv/it's"])('%s', (path) => {
    expect(rootFolder(path)).toEqual({ value: path });
  });

  test('loses the slash at its end', () => {
    expect(rootFolder('/srv/shop/')).toEqual({ value: '/srv/shop' });
  });

  test.each([
    ['relative', 'srv/shop'],
    ['from home', '~/shop'],
    ['empty', ''],
    ['with ..', '/srv/../etc'],
    ['ending in ..', '/srv/shop/..'],
    ['with .', '/srv/./shop'],
    ['with //', '/srv//shop'],
    ['beginning with //', '//srv/shop'],
    ['ending in //', '/srv/shop//'],
    ['with a line break', '/srv/shop\n/etc'],
    ['with an escape', '/srv/\x1b[m'],
  ])('%s is refused', (_, path) => {
    expect(rootFolder(path)).toEqual(refused);
  });

  test.each(['/', '/etc', '/etc/', '/usr', '/var', '/home', '/root', '/srv', '/tmp', '/opt', '/bin', '/lib64', '/usr/local/bin', '/var/lib', '/etc/nginx', '/proc', '/proc/self', '/sys/x', '/dev/shm'])(
    '%s is a folder of the system',
    (path) => {
      expect(rootFolder(path)).toEqual({ wrong: [expect.stringContaining("not one of the system's")] });
    },
  );
});

describe('paths inside a release', () => {
  const parse = pathsInRelease('file');

  test('come by lines or commas, once each', () => {
    expect(parse('config/app.json, .env\r\n\n my file.txt ,config/app.json\n')).toEqual({ value: ['config/app.json', '.env', 'my file.txt'] });
    expect(parse('')).toEqual({ value: [] });
    expect(parse('storage/')).toEqual({ value: ['storage'] });
  });

  test.each(['/etc/passwd', '../x', 'a/../b', 'a/..', '..', '.', './a', 'a//b', '-rf', 'ok,-rf', 'a\x1bb', 'a\tb', '//', '/'])('%j is refused', (text) => {
    expect(parse(text)).toEqual(refused);
  });

  test.each(['a..b', '..a', 'a-b', 'a/-b'])('%j is a plain name', (text) => {
    expect(parse(text)).toEqual({ value: [text] });
  });

  test('shared ones cannot be inside each other, nor what the deploy itself keeps there', () => {
    expect(sharedPaths('storage, storage2/a')).toEqual({ value: ['storage', 'storage2/a'] });
    expect(sharedPaths('storage/logs\nstorage')).toEqual(refused);
    for (const path of ['.release.json', '.git', '.git/hooks']) expect(sharedPaths(path)).toEqual(refused);
    expect(sharedPaths('../x')).toEqual(refused);
  });
});

describe('path', () => {
  test.each(['/opt/node/bin', '/home/deploy/.local/bin:/opt/my node/bin'])('%s', (text) => {
    expect(searchPath(text)).toEqual({ value: text });
  });

  test.each(['~/bin', '$HOME/bin', 'node_modules/.bin', '/a:', ':/a', '/a::/b', '/a\n/b'])('%j is refused: only absolute folders are found', (text) => {
    expect(searchPath(text)).toEqual(refused);
  });
});
