import { describe, expect, test } from '@jest/globals';
import { accessLogs } from '../../../src/nginx/access-log.js';
import { readConfig } from '../../../src/nginx/config.js';
import { dumpOf, sample, samples } from './samples.js';

const debian = 'nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/usr/share/nginx --http-log-path=/var/log/nginx/access.log\n';

const read = (http: string, more: { upstreams?: string[]; nginxV?: string } = {}) =>
  accessLogs(readConfig(dumpOf(`events {}\nhttp {\n${http}\n}\n`)), { upstreams: ['shop'], nginxV: debian, ...more });
/** A site that leads to the app, with text in the server block and in the location. */
const site = (server = '', location = '', name = 'shop.example.com') =>
  `server { server_name ${name}; ${server}\nlocation / { proxy_pass http://shop; ${location} } }`;
const paths = (http: string, more = {}) => read(http, more).counted.map(({ path }) => path);

describe('which access logs hold what the app answered', () => {
  test.each([
    ['none is written: what nginx was built with', site(), ['/var/log/nginx/access.log']],
    ['of http', `access_log /http.log; ${site()}`, ['/http.log']],
    ['of the server, which replaces that of http', `access_log /http.log; ${site('access_log /server.log;')}`, ['/server.log']],
    ['of the location, which replaces both', `access_log /http.log; ${site('access_log /server.log;', 'access_log /location.log;')}`, ['/location.log']],
    ['of an `if` in the location', `access_log /http.log; server { location / { if ($a) { access_log /if.log; proxy_pass http://shop; } } }`, ['/if.log']],
    ['of a named location', `access_log /http.log; server { try_files /x @app; location @app { access_log /named.log; proxy_pass http://shop; } }`, ['/named.log']],
    ['not of a location beside it', `access_log /http.log; server { location /static/ { access_log /static.log; } location / { proxy_pass http://shop; } }`, ['/http.log']],
    ['`off` further out is replaced, too', `access_log off; ${site('access_log /server.log;')}`, ['/server.log']],
    ['several of one level: each of them', site('access_log /a.log; access_log /b.log combined;'), ['/a.log', '/b.log']],
    ['of each server that leads to the app', `${site('access_log /a.log;')} ${site('access_log /b.log;', '', 'other.example.com')}`, ['/a.log', '/b.log']],
    ['the same one only once', `access_log /http.log; ${site()} ${site('', '', 'other.example.com')}`, ['/http.log']],
    ['with parameters that change nothing', site('access_log /a.log combined buffer=32k flush=5s;'), ['/a.log']],
    ['relative to the prefix', site('access_log logs/shop.log;'), ['/usr/share/nginx/logs/shop.log']],
    ['by a variable', `server { set $to shop; location / { proxy_pass http://$to; access_log /var.log; } }`, ['/var.log']],
    ['beside an `off` elsewhere in the server', `access_log /http.log; server { location = /healthz { access_log off; proxy_pass http://shop; } location / { proxy_pass http://shop; } }`, ['/http.log']],
    ['a file beside syslog', site('access_log syslog:server=10.0.0.1; access_log /a.log;'), ['/a.log']],
  ])('%s', (_what, http, expected) => {
    expect(read(http)).toMatchObject({ uncounted: [] });
    expect(paths(http)).toEqual(expected);
  });

  test('the default is relative to the prefix where it was built so', () => {
    const nginxV = (more: string) => ({ nginxV: `nginx version: nginx/1.29.0\nconfigure arguments: --prefix=/opt/nginx ${more}\n` });
    expect(paths(site(), nginxV('--http-log-path=var/a.log'))).toEqual(['/opt/nginx/var/a.log']);
    expect(paths(site(), nginxV(''))).toEqual(['/opt/nginx/logs/access.log']);
    expect(paths(site(), { nginxV: '' })).toEqual(['/usr/local/nginx/logs/access.log']);
  });

  test('of the instant mode: upstreams that a variable names', () => {
    const http = `server { set $bluegreen_shop shop-blue; if (-f /live/green) { set $bluegreen_shop shop-green; } location / { proxy_pass http://$bluegreen_shop; access_log /a.log; } }`;
    expect(paths(http, { upstreams: ['shop-blue', 'shop-green'] })).toEqual(['/a.log']);
  });

  test.each([
    ['off', site('access_log off;'), 'access_log is off at /etc/nginx/nginx.conf:3'],
    ['off beside a file', site('access_log /a.log; access_log off;'), 'access_log is off at'],
    ['syslog', site('access_log syslog:server=unix:/dev/log;'), 'goes to syslog'],
    ['gzip', site('access_log /a.log.gz combined gzip;'), 'is compressed'],
    ['gzip with a level', site('access_log /a.log.gz combined gzip=4 flush=5m;'), 'is compressed'],
    ['a variable in the path', site('access_log /var/log/nginx/$host.log;'), 'has a variable in its path'],
    ['a condition', site('access_log /a.log combined if=$loggable;'), 'takes some of the answers only'],
    ['a format without the status', `log_format short '$remote_addr $request'; ${site('access_log /a.log short;')}`, 'has the format short, in which the status cannot be told'],
    ['a format that is not there', site('access_log /a.log nope;'), 'has the format nope'],
    ['no site of the app', 'server { location / { proxy_pass http://other; } }', 'no server block of nginx leads to shop'],
  ])('not counted, and why: %s', (_what, http, why) => {
    const { counted, uncounted } = read(http);
    expect(counted).toEqual([]);
    expect(uncounted).toEqual([expect.stringContaining(why)]);
  });

  test('one of two sites cannot be counted: that is said beside the other', () => {
    const found = read(`${site('access_log /a.log;')} ${site('access_log syslog:server=10.0.0.1;', '', 'other.example.com')}`);
    expect(found.counted.map(({ path }) => path)).toEqual(['/a.log']);
    expect(found.uncounted).toEqual([expect.stringContaining('goes to syslog')]);
  });

  test('a format of its own is read, in one string or in several', () => {
    const strings = `log_format main '$remote_addr "$request" '\n '$status $body_bytes_sent';`;
    expect(read(`${strings} ${site('access_log /a.log main;')}`).counted[0]?.status).toMatchObject({ field: 3, fields: 3, escape: 'default' });
    const json = `log_format main escape=json '{"status": "$status", "ua": "$http_user_agent"}';`;
    expect(read(`${json} ${site('access_log /a.log main;')}`).counted[0]?.status).toMatchObject({ field: 4, fields: 9, escape: 'json' });
  });

  test.each([
    ['the same file by http', `access_log /a.log; ${site()} server { server_name blog.example.com; }`, true],
    ['the default file', `${site()} server { server_name blog.example.com; }`, true],
    ['the same file, in a location', `${site('access_log /a.log;')} server { location /x { access_log /a.log; } access_log /b.log; }`, true],
    ['other files', `${site('access_log /a.log;')} server { access_log /b.log; }`, false],
    ['none, where all is off', `${site('access_log /a.log;')} server { access_log off; }`, false],
    ['the site itself, on its plain http server', `access_log /a.log; ${site()} server { listen 80; server_name www.shop.example.com shop.example.com; return 301 https://shop.example.com; }`, false],
    ['a server for unknown names', `access_log /a.log; ${site()} server { listen 80 default_server; server_name _; return 444; }`, true],
  ])('other sites write to %s', (_what, http, shared) => {
    expect(read(http).counted.map((log) => log.shared)).toEqual([shared]);
  });

  test('nothing that other tests read makes it throw', () => {
    for (const [, dump] of samples) expect(() => accessLogs(readConfig(dump), { upstreams: ['shop'], nginxV: debian })).not.toThrow();
    expect(accessLogs(readConfig(sample('debian.conf')), { upstreams: ['shop'], nginxV: debian }).counted).not.toEqual([]);
  });
});
