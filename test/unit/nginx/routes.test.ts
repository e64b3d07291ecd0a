import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../../src/nginx/config.js';
import { visitorRoutes } from '../../../src/nginx/routes.js';
import { dumpOf, inHttp, sample } from './samples.js';

const brief = (config: ReturnType<typeof inHttp>, healthPath = '/healthz') =>
  visitorRoutes(config, { upstream: 'shop', healthPath }).map(
    (one) => `${one.scheme} ${one.connectTo}:${one.port} ${one.serverName || '-'} ${one.path}${one.proxyProtocol ? ' PROXY' : ''}`,
  );
const up = 'upstream shop { server 127.0.0.1:9501; }\n';
const inServer = (text: string, healthPath?: string) => brief(inHttp(`${up}server { ${text} }`), healthPath);
/** The path that is asked for, given the locations of a server block. */
const path = (locations: string, healthPath?: string) => inServer(`listen 80; server_name a; ${locations}`, healthPath)[0]?.split(' ')[3];

describe('samples', () => {
  test.each([
    ['debian.conf', ['http 127.0.0.1:80 shop.example.com /healthz', 'http [::1]:80 shop.example.com /healthz']],
    ['tls.conf', ['https 127.0.0.1:443 shop.example.com /healthz', 'https [::1]:443 shop.example.com /healthz']],
    ['octane.conf', ['http 127.0.0.1:80 shop.example.com /healthz', 'http [::1]:80 shop.example.com /healthz']],
    ['node-websocket.conf', ['http 127.0.0.1:8080 www.shop.example /app/healthz']],
    ['several-apps.conf', ['http 127.0.0.1:8081 shop.example.com /']],
    ['quoted-name.conf', ['http 127.0.0.1:8080 - /healthz']],
    ['included-servers.conf', ['http 127.0.0.1:8080 shop.example.com /healthz']],
    ['fastcgi-grpc.conf', ['http 127.0.0.1:80 php.example.com /healthz', 'http 127.0.0.1:50050 - /shop.']],
    ['lua.conf', ['http 127.0.0.1:8080 - /healthz']],
    ['stream.conf', []],
    ['one-line.conf with CRLF', ['http 127.0.0.1:8080 - /healthz']],
  ])('%s', (name, expected) => {
    expect(brief(readConfig(sample(name)))).toEqual(expected);
  });

  test('name the server block', () => {
    const [route] = visitorRoutes(readConfig(sample('debian.conf')), { upstream: 'shop', healthPath: '/' });
    expect([route?.file, route?.line]).toEqual(['/etc/nginx/sites-enabled/shop', 1]);
  });
});

describe('the path', () => {
  test.each([
    ['location / { proxy_pass http://shop; }', '/healthz'],
    ['location / { proxy_pass http://SHOP; }', '/healthz'],
    ['location / { proxy_pass http://shop/; }', '/healthz'],
    ['location /app/ { proxy_pass http://shop/; }', '/app/healthz'],
    ['location /app { proxy_pass http://shop/; }', '/apphealthz'],
    ['location /app { proxy_pass http://shop; }', '/app'],
    ['location /app/ { proxy_pass http://shop/inner/; }', '/app/'],
    ['location /health { proxy_pass http://shop; }', '/healthz'],
    ['location ^~ /app/ { proxy_pass http://shop/; }', '/app/healthz'],
    ['location ~ ^/api { proxy_pass http://shop; }', '/healthz'],
    ['location = /only { proxy_pass http://shop; }', '/only'],
    ['location =/only { proxy_pass http://shop; }', '/only'],
    ['location ~ ^/api { proxy_pass http://shop; } location /v2/ { proxy_pass http://shop; }', '/v2/'],
    ['location = /x { proxy_pass http://shop; } location /v2/ { proxy_pass http://shop; }', '/v2/'],
    ['location ~ ^/api { proxy_pass http://shop; } location = /x { proxy_pass http://shop; }', '/x'],
    ['location /ws/ { proxy_pass http://shop; } location / { proxy_pass http://shop; }', '/healthz'],
    ['set $b shop; location /app/ { proxy_pass http://$b/; }', '/app/'],
    ['set $b shop; location /app/ { proxy_pass http://$b$request_uri; }', '/app/'],
    ['location / { proxy_pass http://shop$uri$is_args$args; }', '/healthz'],
    ['location / { if ($a) { proxy_pass http://shop; } }', '/healthz'],
    ['location /a { location /a/b { proxy_pass http://shop; } }', '/a/b'],
    ['location / { try_files $uri @app; } location @app { proxy_pass http://shop; }', '/healthz'],
    ['location /app { try_files $uri @app; } location @app { proxy_pass http://shop; }', '/app'],
    ['try_files $uri @app; location @app { proxy_pass http://shop; }', '/healthz'],
    ['location / { error_page 418 = @app; return 418; } location @app { proxy_pass http://shop; }', '/healthz'],
    ['location @app { proxy_pass http://shop; }', '/healthz'],
    ['location / { fastcgi_pass shop; }', '/healthz'],
    ['location / { uwsgi_pass shop; }', '/healthz'],
    ['location / { scgi_pass shop; }', '/healthz'],
    ['location / { grpc_pass grpc://shop; }', '/healthz'],
  ])('%s', (locations, expected) => {
    expect(path(locations)).toBe(expected);
  });

  test.each([
    ['location / { proxy_pass http://shop; } location = /healthz { return 200; }', '/'],
    ['location / { proxy_pass http://shop; } location /health { return 200; }', '/'],
    ['location / { proxy_pass http://shop; } location ~ z$ { return 200; }', '/'],
    ['location ^~ / { proxy_pass http://shop; } location ~ z$ { return 200; }', '/healthz'],
    ['location /health { proxy_pass http://shop; } location / { return 200; } location = /x { proxy_pass http://shop; }', '/healthz'],
    ['location / { proxy_pass http://shop; location = /healthz { return 200; } }', '/'],
    ['location / { proxy_pass http://shop; } location ~ (?i)z$ { return 200; }', '/healthz'],
    ['location / { proxy_pass http://shop; } location = /healthz { internal; proxy_pass http://shop; }', '/'],
  ])('is not one that nginx answers otherwise: %s', (locations, expected) => {
    expect(path(locations)).toBe(expected);
  });

  test('is none when nothing leads to the upstream', () => {
    for (const text of ['location / { proxy_pass http://shop2; }', 'location / { proxy_pass http://127.0.0.1:9501; }', '# proxy_pass http://shop;\n', 'location = /x { internal; proxy_pass http://shop; }', 'set $b blog; location / { proxy_pass http://$b; }']) {
      expect(path(text)).toBeUndefined();
    }
  });

  test('a variable of another server block does not lead', () => {
    expect(brief(inHttp(`${up}server { set $b shop; } server { listen 81; set $b blog; location / { proxy_pass http://$b; } }`))).toEqual([]);
    expect(brief(inHttp(`${up}map $host $b { default shop; } server { listen 81; location / { proxy_pass http://$b; } }`))).toHaveLength(1);
  });
});

const pass = 'location / { proxy_pass http://shop; }';

describe('the listener', () => {
  test.each([
    ['', ['http 127.0.0.1:80 - /healthz']],
    ['listen 8080;', ['http 127.0.0.1:8080 - /healthz']],
    ['listen *:8080;', ['http 127.0.0.1:8080 - /healthz']],
    ['listen 10.0.0.5;', ['http 10.0.0.5:80 - /healthz']],
    ['listen localhost:81;', ['http 127.0.0.1:81 - /healthz']],
    ['listen [::]:80 ipv6only=on;', ['http [::1]:80 - /healthz']],
    ['listen [fe80::1]:80;', ['http [fe80::1]:80 - /healthz']],
    ['listen unix:/run/x.sock;', []],
    ['listen 443 ssl; listen 443 quic reuseport;', ['https 127.0.0.1:443 - /healthz']],
    ['listen 443; ssl on;', ['https 127.0.0.1:443 - /healthz']],
    ['listen 443; ssl off;', ['http 127.0.0.1:443 - /healthz']],
    ['listen 8443 ssl; listen 443 ssl; listen 80; listen 8080;', ['https 127.0.0.1:443 - /healthz', 'https 127.0.0.1:8443 - /healthz', 'http 127.0.0.1:80 - /healthz', 'http 127.0.0.1:8080 - /healthz']],
    ['listen 80 proxy_protocol;', ['http 127.0.0.1:80 - /healthz PROXY']],
    ['listen 81 proxy_protocol; listen 82;', ['http 127.0.0.1:82 - /healthz', 'http 127.0.0.1:81 - /healthz PROXY']],
    ['listen 8000-8010;', ['http 127.0.0.1:8000 - /healthz']],
  ])('%s', (listens, expected) => {
    expect(inServer(`${listens} ${pass}`)).toEqual(expected);
  });

  test('shares TLS and the PROXY protocol with others on its socket', () => {
    expect(brief(inHttp(`${up}server { listen 443 ssl proxy_protocol; } server { listen *:443; server_name a; ${pass} }`))).toEqual(['https 127.0.0.1:443 a /healthz PROXY']);
  });

  test('comes TLS first, then port 80, then others; the default server breaks ties', () => {
    const config = inHttp(`${up}
      server { listen 8080; server_name c; ${pass} }
      server { listen 80; server_name b; ${pass} }
      server { listen 80 default_server; server_name bb; ${pass} }
      server { listen 8443 ssl; server_name a; ${pass} }`);
    expect(brief(config).map((one) => one.split(' ')[2])).toEqual(['a', 'bb', 'b', 'c']);
  });

  test('a sure location comes before an unsure one', () => {
    const config = inHttp(`${up}
      server { listen 80; server_name a; location ~ ^/x { proxy_pass http://shop; } }
      server { listen 80; server_name b; location /x { proxy_pass http://shop; } }
      server { listen 80; server_name c; ${pass} }`);
    expect(brief(config).map((one) => one.split(' ')[2])).toEqual(['c', 'b', 'a']);
  });

  test('the old http-wide ssl counts', () => {
    expect(brief(readConfig(dumpOf(`http { ssl on; ${up} server { listen 443; ${pass} } }`)))[0]).toMatch(/^https/);
  });
});

describe('the name', () => {
  test.each([
    ['server_name a.example b.example;', 'a.example'],
    ['server_name *.example.com a.example;', 'a.example'],
    ['server_name *.example.com;', 'www.example.com'],
    ['server_name .example.com;', 'example.com'],
    ['server_name www.example.*;', 'www.example.com'],
    ['server_name _;', '-'],
    ['server_name "";', '-'],
    ['server_name ~^www\\d+\\.example\\.com$;', '-'],
    ['server_name "" ~x; server_name b.example;', 'b.example'],
    ['server_name $hostname;', '-'],
    ['', '-'],
  ])('%s', (name, expected) => {
    expect(inServer(`${name} ${pass}`)[0]?.split(' ')[2]).toBe(expected);
  });

  test('without one, only the default server can be meant', () => {
    const config = inHttp(`${up} server { listen 80; server_name x; } server { listen 80; ${pass} } server { listen 80; server_name z; ${pass} }`);
    expect(brief(config)[0]).toContain(' z ');
  });
});
