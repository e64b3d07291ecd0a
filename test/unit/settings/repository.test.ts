import { describe, expect, test } from '@jest/globals';
import { gitRef, repositoryUrl, sameServer } from '../../../src/settings/repository.js';
import { headerHost, healthPath, webUrl } from '../../../src/settings/url.js';

const refused = { wrong: [expect.any(String)] };

describe('repository', () => {
  test.each([
    'https://github.com/org/shop.git',
    'https://git.example.com:8443/a/b',
    'ssh://git@github.com/org/shop.git',
    'ssh://git@[::1]:2222/srv/shop.git',
    'git@github.com:org/shop.git',
    'git@[::1]:shop.git',
    'deploy.bot@git.example.com:/srv/git/shop.git',
    'file:///srv/git/shop.git',
    'file:///srv/git/my shop.git',
    'file://localhost/srv/git/shop.git',
    '/srv/git/my shop.git',
  ])('%s', (text) => {
    expect(repositoryUrl(text)).toEqual({ value: text });
  });

  test.each([
    ['a helper that runs commands', 'ext::sh -c touch% /tmp/x'],
    ['a helper that reads descriptors', 'fd::17'],
    ['any other helper', 'http::https://github.com/a/b'],
    ['a helper without a name', '::x'],
    ['an option', '--upload-pack=touch /tmp/x'],
    ['a host that is an option', 'ssh://-oProxyCommand=x/y'],
    ['a user that is an option', 'ssh://-oProxyCommand=x@host/y'],
    ['a user that is an option in percents', 'ssh://%2DoProxyCommand=x@host/y'],
    ['a short form with an option for a host', 'git@-oProxyCommand:x'],
    ['a short form with an option for a path', 'git@host:-x'],
    ['a short form with an option for a user', '-git@host:x'],
    ['a helper in the short form', 'git@host::x'],
    ['plain http', 'http://github.com/org/shop.git'],
    ["git's own protocol", 'git://github.com/org/shop.git'],
    ['another protocol', 'ftp://github.com/org/shop.git'],
    ['a file on another host', 'file://server/srv/shop.git'],
    ['a relative path', 'org/shop'],
    ['a relative path with dots', '../shop.git'],
    ['a server alone', 'https://github.com'],
    ['a URL without a host', 'https:///org/shop'],
    ['a URL that is read in two ways', 'https://github.com\\.evil.example/a'],
    ['a path that is read in two ways', 'ssh://host/a\\b'],
    ['a host in other letters', 'https://ｇithub.com/org/shop'],
    ['a host in percents', 'https://%67ithub.com/org/shop'],
    ['a bad port', 'https://github.com:99999/a'],
    ['a space in a URL', 'https://github.com/org/my shop'],
    ['a line break', 'https://github.com/org/shop\n'],
    ['a hidden line break', 'https://github.com/org%0ahost=evil/shop'],
    ['a control character in a path', '/srv/\x07'],
    ['a delete character', 'git@github.com:org/\x7fshop'],
    ['nothing', ''],
  ])('%s is refused', (_, text) => {
    expect(repositoryUrl(text)).toEqual(refused);
  });

  test.each(['https://user:pw@github.com/a/b', 'https://token@github.com/a/b', 'https://@github.com/a/b', 'https://a:b@c@github.com/a/b'])('%s has credentials: repository-token is the place', (text) => {
    expect(repositoryUrl(text)).toEqual({ wrong: [expect.stringContaining('repository-token')] });
  });

  test('what git would take for an option or for a command is named as such', () => {
    expect(repositoryUrl('-x')).toEqual({ wrong: ['must not begin with -'] });
    expect(repositoryUrl('ext::sh -c id')).toEqual({ wrong: [expect.stringContaining('they can run commands')] });
  });

  test('a password in an ssh URL is refused', () => {
    expect(repositoryUrl('ssh://git:pw@github.com/a/b')).toEqual({ wrong: ['must not contain a password'] });
  });

  test('two URLs are of the same server if protocol, name and port are the same, and only with https', () => {
    expect(sameServer('https://GitHub.com/a/b.git', 'https://github.com')).toBe(true);
    expect(sameServer('https://github.com:443/a/b', 'https://github.com')).toBe(true);
    for (const other of ['https://github.com.evil.example/a/b', 'https://github.com:8443/a/b', 'git@github.com:a/b', '/srv/x', '']) {
      expect(sameServer(other, 'https://github.com')).toBe(false);
    }
    expect(sameServer('http://ghes/a/b', 'http://ghes')).toBe(false);
  });
});

describe('ref', () => {
  test.each(['main', 'v1.2.3', 'feature/a-b', 'refs/heads/main', '1a2b3c4', 'a'.repeat(40), 'HEAD', 'ünïcode', "it's", 'a@b', '@a', 'a{b}', '$x', 'release-1.x'])('%s', (text) => {
    expect(gitRef(text)).toEqual({ value: text });
  });

  // The rules of git check-ref-format, one by one.
  test.each([
    '', '@', '-main', '--upload-pack=x', '.a', 'a/.b', 'a.lock', 'a.lock/b', 'a..b', 'a b', 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', '/a', 'a/', 'a//b', 'a.', 'a@{1}', 'a\nb', 'a\x00', 'a\x7f', 'a\x85', '@{-1}',
  ])('%j is refused', (text) => {
    expect(gitRef(text)).toEqual(refused);
  });
});

describe('web addresses', () => {
  test.each(['https://shop.example.com', 'http://127.0.0.1:8080/healthz?x=1', 'HTTPS://shop.example.com/a@b', 'https://[::1]/'])('%s', (text) => {
    expect(webUrl(text)).toEqual({ value: text });
  });

  test.each(['shop.example.com', 'ftp://a/b', 'file:///etc/passwd', 'javascript:alert(1)', 'https://', 'https:/a/b', 'https:///a/b', 'https://a\\@b/', 'https://a%2fb/', 'https://a b/', 'https://a/\n', 'https://a/%0d%0aX', 'https://a:99999/', '-https://a'])('%j is refused', (text) => {
    expect(webUrl(text)).toEqual(refused);
  });

  test.each(['https://user:pw@shop.example.com/', 'https://user@shop.example.com/', 'https://@shop.example.com/'])('%s has credentials', (text) => {
    expect(webUrl(text)).toEqual({ wrong: ['must not contain a user or a password'] });
  });

  test('health-path begins with / and has no spaces or control characters', () => {
    for (const text of ['/', '/healthz', '/a?b=c&d=%20', "/it's;$(x)"]) expect(healthPath(text)).toEqual({ value: text });
    for (const text of ['', 'healthz', 'http://x/', '/a b', '/a\n', '/a\tb', '/\x7f', '/ä']) expect(healthPath(text)).toEqual(refused);
  });

  test('health-host is a host name', () => {
    for (const text of ['shop.example.com', 'localhost', '10.0.0.1']) expect(headerHost(text)).toEqual({ value: text });
    for (const text of ['', 'a b', 'http://a', 'a/b', 'a\r\nX: y', '-a']) expect(headerHost(text)).toEqual(refused);
  });
});
