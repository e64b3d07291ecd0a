import { describe, expect, test } from '@jest/globals';
import { trapsError } from '../../../src/nginx/trap.js';
import { brief, managedShop, read, site } from './set-up.js';

const host = 'proxy_set_header Host $host;';
const pass = `proxy_pass http://$bluegreen_shop; ${host}`;
/** The traps of a site with this location; it begins in line 7. */
const at = (location: string) => brief(read(site(location)).traps);
const warned = (location: string, before = '') => brief(read(`${before}${site(location)}`).warnings);

describe('how the app is passed to', () => {
  test.each([
    [`location / { proxy_pass http://$bluegreen_shop:80; ${host} }`, 'proxy_pass http://$bluegreen_shop:80: with a port nginx does not find the upstream and answers 502'],
    [`location / { proxy_pass https://$bluegreen_shop; ${host} }`, 'proxy_pass https://$bluegreen_shop: an instant switch serves `proxy_pass http://` only'],
    [`location / { proxy_pass $scheme://$bluegreen_shop; ${host} }`, 'proxy_pass $scheme://$bluegreen_shop: an instant switch serves `proxy_pass http://` only'],
    ['location / { grpc_pass grpc://$bluegreen_shop; }', 'grpc_pass grpc://$bluegreen_shop: an instant switch serves `proxy_pass http://` only'],
    ['location / { fastcgi_pass $bluegreen_shop; }', 'fastcgi_pass $bluegreen_shop: an instant switch serves `proxy_pass http://` only'],
    [`location / { ${pass} } location /b { proxy_pass http://shop-blue; }`, 'proxy_pass http://shop-blue: always leads to this one slot, whichever is live'],
    [`location / { ${pass} } location /b { proxy_pass http://shop; }`, 'proxy_pass http://shop: leads to an upstream that an instant switch does not change'],
    [`location / { ${pass} } location /b { fastcgi_pass shop; }`, 'fastcgi_pass shop: leads to an upstream that an instant switch does not change'],
    [`location / { ${pass} } location /b { proxy_pass http://127.0.0.1:9502/x; }`, "proxy_pass http://127.0.0.1:9502… goes straight to a slot's port, which an instant switch does not change"],
  ])('%s', (location, what) => {
    expect(at(location)).toEqual([`nginx.conf:7: ${what}`]);
  });

  const uri = "proxy_pass http://$bluegreen_shop…: nginx asks for what follows the name, whatever the visitor's path, since the name is a variable";
  test.each([
    ['location / { proxy_pass http://$bluegreen_shop/; }', 'Write `proxy_pass http://$bluegreen_shop;`.'],
    ['location /app/ { proxy_pass http://$bluegreen_shop/; }', 'Write `rewrite ^/app/(.*)$ /$1 break;` and after it `proxy_pass http://$bluegreen_shop;`.'],
    ['location ^~ /v1.0/ { proxy_pass http://$bluegreen_shop/in/; }', 'Write `rewrite ^/v1\\.0/(.*)$ /in/$1 break;` and after it `proxy_pass http://$bluegreen_shop;`.'],
    ['location = /x { proxy_pass http://$bluegreen_shop/y; }', 'Write `$is_args$args` at its end.'],
    ['location ~ ^/a { proxy_pass http://$bluegreen_shop/y$is_args$args; }', 'Put the path together with `rewrite … break;`, and after it write `proxy_pass http://$bluegreen_shop;`.'],
  ])('%s', (location, mend) => {
    const { traps } = read(site(location.replace('}', `${host} }`)));
    expect(brief(traps)).toEqual([`nginx.conf:7: ${uri}`]);
    expect(traps[0]?.mend).toBe(mend);
  });

  test.each([
    'location / { proxy_pass http://$bluegreen_shop$request_uri; }',
    'location ~ ^/a/(.*)$ { proxy_pass http://$bluegreen_shop/$1$is_args$args; }',
    'location = /x { proxy_pass http://$bluegreen_shop/y$is_args$args; }',
    'location /a { rewrite ^/a/(.*)$ /$1 break; proxy_pass http://$bluegreen_shop; }',
  ])('%s is well', (location) => {
    expect(at(location.replace(/\}$/, `${host} }`))).toEqual([]);
  });

  test('a server block that only redirects leads nowhere, whatever else it has', () => {
    const dead = `${site()}\nserver { listen 81; return 301 https://$host$request_uri; location / { proxy_pass http://shop; } }`;
    expect(read(dead)).toMatchObject({ traps: [], probes: [{ line: 4 }] });
    const alive = `${site()}\nserver { listen 81; error_page 418 = @app; return 418; location @app { proxy_pass http://shop; } }`;
    const early = `${site()}\nserver { listen 81; rewrite ^/app /x last; return 404; location /x { proxy_pass http://shop; } }`;
    expect(brief(read(early).traps)).toEqual(['nginx.conf:9: proxy_pass http://shop: leads to an upstream that an instant switch does not change']);
    expect(brief(read(alive).traps)).toEqual(['nginx.conf:9: proxy_pass http://shop: leads to an upstream that an instant switch does not change']);
  });

  test('other ways to a port of a slot', () => {
    const more = (text: string) => brief(read(`${site()}\n${text}`).traps);
    expect(more('upstream other { server 127.0.0.1:9501; }')).toEqual([
      "nginx.conf:9: server 127.0.0.1:9501 is in the upstream other, which is not the app's, which an instant switch does not change",
    ]);
    expect(more('server { listen 9502; }')).toEqual(["nginx.conf:9: listen 9502 makes nginx itself listen on a slot's port, which an instant switch does not change"]);
    // The app's old upstream may stay: nothing leads to it.
    expect(more('upstream shop { server 127.0.0.1:9501; }')).toEqual([]);
  });

  test("another app's upstream: this app is to have other ports, said once for all its lines", () => {
    const { traps } = read(`${site()}\nupstream other {\nserver 127.0.0.1:9501;\nserver 127.0.0.1:9502;\n}`);
    const { next, settings } = trapsError(traps).problem;
    expect(next).toMatch(/^\/etc\/nginx\/nginx\.conf:10, \/etc\/nginx\/nginx\.conf:11: If that upstream belongs to another app, give this one two ports of its own \(setting ports\)\./);
    expect(next.split('\n')).toHaveLength(1);
    expect(settings).toEqual(['ports', 'switch', 'listen']);
  });
});

describe('the server block', () => {
  const before = (text: string) => brief(read(site(`location / { ${pass} }`, `${text}\n`)).traps);
  const ends = (name: string) => [`nginx.conf:5: ${name} comes before /etc/nginx/bluegreen/shop-server.conf is included: nginx does not set $bluegreen_shop then, and answers 500`];
  test.each([
    ['break;', 'break'],
    ['rewrite ^/a$ /b last;', 'rewrite'],
    ['rewrite ^/a$ /b break;', 'rewrite'],
    ['if ($args) { break; }', 'break'],
    ['if ($args) { rewrite ^/a$ /b last; }', 'rewrite'],
    ['error_page 418 = @app; if ($args) { return 418; }', 'return'],
  ])('%s before the include', (text, name) => {
    expect(before(text)).toEqual(ends(name));
  });

  test.each(['rewrite ^/a$ /b;', 'rewrite ^/a$ /b permanent;', 'if ($args) { return 301 /; }', 'set $x y;'])('%s before the include is well', (text) => {
    expect(before(text)).toEqual([]);
  });

  test('what takes the path of the probe', () => {
    const what = (name: string) => [`nginx.conf:7: ${name} takes /.bluegreen/shop too, by which a deploy asks which slot nginx uses`];
    expect(at(`rewrite ^(.*)$ /index.php?q=$1 last; location / { ${pass} }`)).toEqual(what('rewrite'));
    expect(at(`error_page 418 = @app; return 418; location @app { ${pass} }`)).toEqual(what('return'));
    expect(at(`rewrite ^(?!/\\.bluegreen/)(.*)$ /index.php?q=$1 last; location / { ${pass} }`)).toEqual([]);
    expect(at(`rewrite ^/old /new; location / { ${pass} }`)).toEqual([]);
  });

  test('a variable that two apps share', () => {
    const managed = managedShop({ app: 'my-shop', upstream: 'my-shop' });
    const other = managedShop({ app: 'my_shop', upstream: 'my_shop', ports: [9601, 9602] });
    const http = `include ${other.http.include.slice(8)}\ninclude bluegreen/my-shop-http.conf;\nserver {\ninclude bluegreen/my-shop-server.conf;\ninclude bluegreen/my_shop-server.conf;\nlocation / { proxy_pass http://$bluegreen_my_shop; ${host} }\n}`;
    const files = { [other.http.path]: other.http.text, [other.server?.path ?? '']: other.server?.text ?? '' };
    expect(brief(read(http, files, managed).traps)).toEqual([
      'bluegreen/my_shop-server.conf:7: set $bluegreen_my_shop gives another value to the variable that follows the live slot',
      'bluegreen/my_shop-server.conf:9: set $bluegreen_my_shop gives another value to the variable that follows the live slot',
    ]);
  });

  test('a variable that is set by hand', () => {
    expect(at(`set $BLUEGREEN_shop shop-blue; location / { ${pass} }`)).toHaveLength(1);
    expect(at(`location / { set $bluegreen_shop shop-blue; ${pass} }`)).toHaveLength(1);
    expect(at(`location / { ${pass} } location = /other { set $bluegreen_shop shop-blue; return 204; }`)).toEqual([]);
  });
});

describe('redirects of the app', () => {
  const own = 'proxy_redirect http://a/ /;';
  test('a location with proxy_redirect of its own, where the app does not know the host', () => {
    const { traps } = read(site(`location / { proxy_pass http://$bluegreen_shop; ${own} }`));
    expect(brief(traps)).toEqual(["nginx.conf:7: proxy_redirect takes the place of setup's for proxy_pass http://$bluegreen_shop: visitors would be redirected to http://shop-blue/"]);
    expect(traps[0]?.mend).toContain('`proxy_redirect http://shop-blue/ /; proxy_redirect http://shop-green/ /;`');
  });

  test.each([
    `location / { ${pass} ${own} }`,
    'location / { proxy_pass http://$bluegreen_shop; proxy_redirect off; }',
    `location / { proxy_pass http://$bluegreen_shop; ${own} proxy_redirect http://shop-blue/ /; proxy_redirect http://shop-green/ /; }`,
    `${own} location / { proxy_pass http://$bluegreen_shop; }`,
  ])('%s is well', (location) => {
    expect(at(location)).toEqual([]);
  });

  test('places that lead elsewhere lose what nginx did by itself', () => {
    const other = (text: string) => `location / { ${pass} }\nlocation /api/ { proxy_pass http://10.0.0.1/; ${text} }`;
    expect(warned(other(''))).toEqual(['nginx.conf:8: beside /etc/nginx/bluegreen/shop-server.conf nginx no longer mends redirects of what this proxy_pass leads to']);
    expect(warned(other('proxy_redirect default;'))).toEqual([]);
    // It was not in force before either.
    expect(warned(`${other('')} ${own}`)).toEqual([]);
    expect(warned(other(''), 'proxy_redirect off;\n')).toEqual([]);
    expect(warned(other('').replace('http://10.0.0.1/', 'http://$x'))).toEqual([]);
  });

  test('proxy_redirect at the level of http no longer holds', () => {
    expect(warned(`location / { ${pass} }`, 'proxy_redirect http:// https://;\n')).toEqual([
      'nginx.conf:3: this proxy_redirect does not hold in the server block at /etc/nginx/nginx.conf:5, which has some of its own by /etc/nginx/bluegreen/shop-server.conf',
    ]);
    expect(warned(`proxy_redirect http:// https://; location / { ${pass} }`, 'proxy_redirect http:// https://;\n')).toEqual([]);
  });
});

describe('what a person has to know', () => {
  test('the app sees the name of the upstream as its host', () => {
    const warning = ['nginx.conf:7: no proxy_set_header Host holds here: the app sees `Host: shop-blue`, another one after each switch'];
    expect(warned('location / { proxy_pass http://$bluegreen_shop; }')).toEqual(warning);
    expect(warned(`proxy_set_header HOST $host; location / { proxy_pass http://$bluegreen_shop; }`)).toEqual([]);
    // One of another level takes away those of the outer ones.
    expect(warned(`${host} location / { proxy_pass http://$bluegreen_shop; proxy_set_header X-A b; }`)).toEqual(warning);
    expect(warned('location / { proxy_pass http://$bluegreen_shop; proxy_set_header Host $proxy_host; }')).toEqual(warning);
  });

  test('a cache whose key has the name of the upstream', () => {
    const cold = ["nginx.conf:7: proxy_cache without proxy_cache_key: nginx's own key has the upstream's name in it, so the cache is cold after each switch"];
    expect(warned(`location / { ${pass} proxy_cache z; }`)).toEqual(cold);
    expect(warned(`location / { ${pass} proxy_cache off; }`)).toEqual([]);
    expect(warned(`location / { ${pass} proxy_cache z; proxy_cache_key $scheme$host$request_uri; }`)).toEqual([]);
    expect(warned(`location / { ${pass} proxy_cache z; proxy_cache_key $proxy_host$uri; }`)).toHaveLength(1);
  });

  test('a next upstream that is never asked', () => {
    expect(warned(`location / { ${pass} proxy_next_upstream off; }`)).toEqual([
      'nginx.conf:7: proxy_next_upstream off: an upload that began before a switch is answered with 502 when the old slot has been stopped',
    ]);
    expect(warned(`location / { ${pass} proxy_next_upstream error http_503; }`)).toEqual([]);
    expect(warned(`location / { ${pass} proxy_next_upstream_tries 1; }`)).toHaveLength(1);
  });
});

describe('with sockets', () => {
  const socket = managedShop({ listen: 'socket' });
  const block = (lines: string) => brief(read(`upstream shop {\nserver unix:/srv/shop/live/app.sock;\n${lines}\n}\nserver { location / { proxy_pass http://shop; } }`, {}, socket).traps).slice(1);

  test('what is wrong with an upstream that was written by hand', () => {
    expect(block('keepalive 16;')).toEqual(['nginx.conf:5: keepalive: connections that nginx keeps stay with the old slot after a switch']);
    expect(block('keepalive 0;')).toEqual([]);
    expect(block('server 127.0.0.1:9501;')).toEqual(['nginx.conf:5: server 127.0.0.1:9501 gets requests too, whichever slot is live']);
    expect(block('server 127.0.0.1:9501 backup;')).toEqual([]);
  });
});
