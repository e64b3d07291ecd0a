import { describe, expect, test } from '@jest/globals';
import { nginxVersion } from '../../../src/nginx/facts.js';
import { keepaliveNotice } from '../../../src/nginx/keepalive.js';
import { inHttp } from './samples.js';

const says = (nginxV: string, before: string, http = 'server { listen 80; }') => keepaliveNotice(inHttp(http), { version: nginxVersion(nginxV), before }).join();
const of = (version: string) => `nginx version: ${version}\nconfigure arguments: --prefix=/usr/share/nginx\n`;

describe('how keepalive_min_timeout helps is said once', () => {
  test.each([
    ['a first deploy', 'nginx/1.27.4', '', true],
    ['the same version as at the last switch', 'nginx/1.27.4', '1.27.4', false],
    ['an upgrade', 'nginx/1.28.0', '1.26.3', true],
    ['an upgrade among those that have it', 'nginx/1.29.1', '1.28.0', true],
    ['a version that does not have it', 'nginx/1.27.3', '', false],
    ['an old one', 'nginx/1.22.1', '', false],
    ['one after the next', 'nginx/2.0.0', '', true],
    ['OpenResty by its nginx', 'openresty/1.27.1.2', '', false],
    ['a later OpenResty', 'openresty/1.29.2.1', '', true],
    ['no version', '(not told)', '', false],
  ])('%s', (_what, version, before, said) => {
    expect(says(of(version), before) !== '').toBe(said);
  });

  test('not where the configuration has it, at whichever level', () => {
    for (const http of ['keepalive_min_timeout 5s;', 'server { keepalive_min_timeout 5s; }', 'server { location / { keepalive_min_timeout 0; } }']) {
      expect(says(of('nginx/1.29.0'), '', http)).toBe('');
    }
  });

  test('names the directive, the version, and what it does', () => {
    expect(says(of('nginx/1.29.0'), '')).toMatch(/nginx 1\.29\.0 .*keepalive_min_timeout 5s;.* the old workers keep idle connections open/);
  });
});
