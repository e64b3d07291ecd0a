import { describe, expect, test } from '@jest/globals';
import { brief, managedShop, read, readOptions, site } from './set-up.js';

const pass = 'location / { proxy_pass http://$bluegreen_shop; proxy_set_header Host $host; }';

describe('whether nginx is set up for an instant switch', () => {
  test('a site that leads to the variable is, without a trap', () => {
    expect(read(site())).toMatchObject({ setUp: true, why: '', traps: [], warnings: [] });
  });

  test('a site that leads to the upstream is not', () => {
    expect(read('upstream shop { server 127.0.0.1:9501; }\nserver { location / { proxy_pass http://shop; } }')).toEqual({
      setUp: false,
      why: 'no server block has `proxy_pass http://$bluegreen_shop;`',
      traps: [],
      warnings: [],
      probes: [],
    });
  });

  test.each([
    ['in braces', 'location / { proxy_pass http://${bluegreen_shop}; }'],
    ['in large letters', 'location / { proxy_pass http://$BLUEGREEN_shop; }'],
    ['through another variable', 'set $backend $bluegreen_shop; location / { proxy_pass http://$backend; }'],
    ['in a named location', 'location / { try_files $uri @app; } location @app { proxy_pass http://$bluegreen_shop; }'],
  ])('the variable %s', (_name, location) => {
    expect(read(site(location)).setUp).toBe(true);
  });

  test('with sockets the link is in the path of the upstream', () => {
    const socket = managedShop({ listen: 'socket' });
    const withPass = 'include bluegreen/shop-http.conf;\nserver { location / { proxy_pass http://shop; } }';
    expect(read(withPass, {}, socket)).toMatchObject({ setUp: true, why: '', traps: [], probes: [] });
    // Nothing changes with a switch but where the link leads: the name, and so the Host that the app sees, stays.
    expect(read(withPass, {}, socket).warnings).toEqual([]);
    expect(read('include bluegreen/shop-http.conf;', {}, socket)).toMatchObject({ setUp: false, why: 'no server block has `proxy_pass http://shop;`' });
    expect(read('upstream shop { server 127.0.0.1:9501; }\nserver { location / { proxy_pass http://shop; } }', {}, socket)).toMatchObject({
      setUp: false,
      why: 'no upstream shop has the line `server unix:/srv/shop/live/app.sock;`',
    });
    const byHand = read('upstream shop { server unix:/srv/shop/live/app.sock; }\nserver { location / { proxy_pass http://shop; } }', {}, socket);
    expect(brief(byHand.traps)).toEqual(['nginx.conf:3: the upstream shop is not in the file of setup, /etc/nginx/bluegreen/shop-http.conf']);
  });
});

describe('the probes', () => {
  const ask = (http: string, options = readOptions) =>
    read(http, {}, managedShop(), options).probes.map(({ scheme, connectTo, port, serverName, path, line }) => `${scheme}://${connectTo}:${port} ${serverName} ${path} ${line}`);
  const server = (text: string) => `server { include bluegreen/shop-server.conf; ${text} ${pass} }`;
  const several = ['include bluegreen/shop-http.conf;', server('listen 8080; server_name a;'), server('listen 443 ssl; listen 80; server_name b;'), 'server { listen 80; return 301 https://b; }'].join('\n');

  test('one for each server block that leads to the app, TLS first', () => {
    expect(ask(several)).toEqual(['https://127.0.0.1:443 b /.bluegreen/shop 5', 'http://127.0.0.1:8080 a /.bluegreen/shop 4']);
  });

  test('without curl plain http comes first', () => {
    expect(ask(several, { ...readOptions, curl: false })).toEqual(['http://127.0.0.1:80 b /.bluegreen/shop 5', 'http://127.0.0.1:8080 a /.bluegreen/shop 4']);
  });
});

test('a server block that no address leads to is told', () => {
  const facts = read(site().replace('listen 80;', 'listen unix:/run/shop.sock;'));
  expect(facts).toMatchObject({ setUp: true, traps: [], probes: [] });
  expect(brief(facts.warnings)).toEqual(['nginx.conf:4: this server block listens on Unix sockets or UDP only: it cannot be asked which slot nginx uses']);
});

test('what stands in stream is another thing', () => {
  const stream = (text: string) => ({ '/etc/nginx/nginx.conf': `events {}\nstream {\n${text}\n}\nhttp {\n${site().replace('include bluegreen/shop-http.conf;', '')}\n}` });
  const named = 'upstream shop-blue { server 10.0.0.1:80; } upstream shop-green { server 10.0.0.1:80; }';
  expect(brief(read(site(), stream(named)).traps)).toEqual([
    'nginx.conf:10: the upstreams shop-blue and shop-green, which this leads to, are not at the level of http: nginx answers 502',
  ]);
  // An upstream of theirs with a port of ours is another way to it.
  const ported = read(site(), stream('upstream shop-blue { server 127.0.0.1:9501; }'));
  expect(brief(ported.traps)[0]).toBe("nginx.conf:3: server 127.0.0.1:9501 is in the upstream shop-blue, which is not the app's, which an instant switch does not change");
  const socket = managedShop({ listen: 'socket' });
  const link = { '/etc/nginx/nginx.conf': 'events {}\nstream { upstream shop { server unix:/srv/shop/live/app.sock; } }\nhttp { server { location / { proxy_pass http://shop; } } }' };
  expect(read('', link, socket).why).toBe('no upstream shop has the line `server unix:/srv/shop/live/app.sock;`');
});

describe('the managed files', () => {
  const { http, server } = managedShop();

  test('a changed one is named, with the line', () => {
    const changed = (path: string, text: string) => brief(read(site(), { [path]: text }).traps);
    expect(changed(http.path, http.text.replace('9502 max', '9503 max'))).toEqual(['bluegreen/shop-http.conf:10: the file is not as setup writes it with these settings']);
    expect(changed(http.path, `${http.text}# more\n`)).toEqual(['bluegreen/shop-http.conf:15: the file is not as setup writes it with these settings']);
    expect(changed(server?.path ?? '', server?.text.replace('open_file_cache off;\n', '') ?? '')).toEqual(['bluegreen/shop-server.conf:3: the file is not as setup writes it with these settings']);
  });

  test('files for other ports are not as setup would write them', () => {
    expect(read(site(), {}, managedShop({ ports: [9601, 9602] })).traps).toEqual([]);
    expect(brief(read(site(), { [http.path]: http.text, [server?.path ?? '']: server?.text ?? '' }, managedShop({ ports: [9601, 9602] })).traps)).toHaveLength(2);
  });

  test('without the upstreams nginx answers 502', () => {
    expect(brief(read(site().replace('include bluegreen/shop-http.conf;', '')).traps)).toEqual([
      'nginx.conf:7: the upstreams shop-blue and shop-green, which this leads to, are not at the level of http: nginx answers 502',
    ]);
  });

  test('upstreams of these names from another file', () => {
    const own = 'upstream shop-blue { server 127.0.0.1:9501; }\nupstream shop-green { server 127.0.0.1:9502; }';
    expect(brief(read(site().replace('include bluegreen/shop-http.conf;', own)).traps)).toEqual([
      'nginx.conf:3: the upstream shop-blue is not in the file of setup, /etc/nginx/bluegreen/shop-http.conf',
      'nginx.conf:4: the upstream shop-green is not in the file of setup, /etc/nginx/bluegreen/shop-http.conf',
    ]);
  });

  test('a server block that uses the variable without the include answers 500', () => {
    const traps = read(`${site()}\nserver {\nlisten 81;\n${pass}\n}`).traps;
    expect(brief(traps)).toEqual([
      'nginx.conf:11: proxy_pass http://$bluegreen_shop, but this server block does not include /etc/nginx/bluegreen/shop-server.conf: nginx answers 500',
    ]);
    expect(traps[0]?.mend).toBe('Write `include bluegreen/shop-server.conf;` as the first line of the server block at /etc/nginx/nginx.conf:9.');
  });

  test('the include in a location', () => {
    const inside = 'include bluegreen/shop-http.conf;\nserver {\nlocation / {\ninclude bluegreen/shop-server.conf; proxy_pass http://$bluegreen_shop;\n}\n}';
    expect(brief(read(inside).traps)[0]).toBe('nginx.conf:5: /etc/nginx/bluegreen/shop-server.conf is included in this location: $bluegreen_shop is not set outside of it');
  });
});
