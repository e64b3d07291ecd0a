import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { cksum } from '../../../src/host/cksum.js';
import { readConfig } from '../../../src/nginx/config.js';
import { planSetup, type SetupPlan } from '../../../src/nginx/setup.js';
import { hunksOf, lineBefore } from '../../../src/nginx/text-edit.js';
import { dumpFrom, refusal } from './samples.js';
import { brief, managedShop, readOptions } from './set-up.js';

const [port, socket] = [managedShop(), managedShop({ listen: 'socket' })];
const main = '/etc/nginx/nginx.conf';
const shop = '/etc/nginx/sites-enabled/shop';
const up = 'upstream shop { server 127.0.0.1:9501; }';
const host = 'proxy_set_header Host $host;';

/** What setup would do to a site, in the file `shop` unless it is given files. */
function plan(site: string | Record<string, string>, listen: 'port' | 'socket' = 'port'): SetupPlan {
  const files = typeof site === 'string' ? { [shop]: site } : site;
  const all = new Map([[main, 'events {}\nhttp {\n    include /etc/nginx/sites-enabled/*;\n}\n'], ...Object.entries(files)]);
  const [wanted, other] = listen === 'port' ? [port, socket] : [socket, port];
  return planSetup(readConfig(dumpFrom(all)), wanted, other, { ...readOptions, healthPath: '/healthz' });
}
const after = (site: string, listen?: 'port' | 'socket') => {
  const { traps, ...made } = plan(site, listen);
  expect(traps).toEqual([]);
  return edited(made).find(({ file }) => file === shop)?.after;
};
const edited = ({ writes }: Pick<SetupPlan, 'writes'>) => writes.filter(({ hunks }) => hunks);
const written = ({ writes }: Pick<SetupPlan, 'writes'>) => writes.map(({ file }) => file);
const [httpFile, serverFile] = [port.http.path, port.server?.path ?? ''];
const refused = (site: string, listen?: 'port' | 'socket') => plan(site, listen).traps;

describe('a site with one server block', () => {
  const before = `${up}

server {
    listen 80; # all
    server_name shop.example.com;

    location / {
        proxy_pass http://shop;
        ${host}
    }
}
`;

  test('the lines that change, and no other byte', () => {
    expect(after(before)).toBe(`${up}

include bluegreen/shop-http.conf;
server {
    include bluegreen/shop-server.conf;
    listen 80; # all
    server_name shop.example.com;

    location / {
        proxy_pass http://$bluegreen_shop;
        ${host}
    }
}
`);
    expect(after(before.replaceAll('\n', '\r\n'))).toBe(after(before)?.replaceAll('\n', '\r\n'));
  });

  test('what is shown is the directive, with the line as it is now', () => {
    const { shown, writes, warnings, probes, visits } = plan(before);
    expect(shown.map(({ file, line, where, remove, add }) => [file, line, where, remove, add])).toEqual([
      [shop, 3, 'before this line', '', 'include bluegreen/shop-http.conf;'],
      [shop, 3, 'as the first line of the server block', '', 'include bluegreen/shop-server.conf;'],
      [shop, 8, '', 'proxy_pass http://shop;', 'proxy_pass http://$bluegreen_shop;'],
    ]);
    expect(written({ writes })).toEqual([httpFile, serverFile, shop]);
    expect(writes.map(({ before: was, after: is }) => [was === undefined, is])).toEqual([[true, port.http.text], [true, port.server?.text], [false, after(before)]]);
    expect(warnings).toEqual([]);
    expect(probes).toMatchObject([{ path: '/.bluegreen/shop', port: 80, serverName: 'shop.example.com', file: shop, line: 4 }]);
    expect(visits).toMatchObject([{ path: '/healthz', port: 80, serverName: 'shop.example.com', file: shop, line: 4 }]);
  });

  test('a second time there is nothing to do', () => {
    const done = { [shop]: after(before) ?? '', [port.http.path]: port.http.text, [port.server?.path ?? '']: port.server?.text ?? '' };
    expect(plan(done)).toMatchObject({ writes: [], shown: [], traps: [], warnings: [], probes: [{ line: 4 }] });
    // A file that was changed is written again.
    expect(plan({ ...done, [port.http.path]: `${port.http.text}#` })).toMatchObject({ writes: [{ file: httpFile, before: `${port.http.text}#`, after: port.http.text }], traps: [] });
  });
});

describe('how the lines are put in', () => {
  test.each([
    ['a block in one line', `${up}\nserver { listen 80; location / { proxy_pass http://shop; ${host} } }`, `${up}\ninclude bluegreen/shop-http.conf;\nserver { include bluegreen/shop-server.conf; listen 80; location / { proxy_pass http://$bluegreen_shop; ${host} } }`],
    ['all in one line', `${up} server { location / { proxy_pass http://shop; ${host} } }\n`, `${up} include bluegreen/shop-http.conf; server { include bluegreen/shop-server.conf; location / { proxy_pass http://$bluegreen_shop; ${host} } }\n`],
    ['a brace in a line of its own', `${up}\nserver\n{\n\tlocation / { proxy_pass "http://SHOP"; ${host} }\n}`, `${up}\ninclude bluegreen/shop-http.conf;\nserver\n{\n\tinclude bluegreen/shop-server.conf;\n\tlocation / { proxy_pass "http://$bluegreen_shop"; ${host} }\n}`],
    ['a comment after the brace', `${up}\n  server { # {\n  # x\n      location / { proxy_pass http://shop; ${host} }\n  }`, `${up}\n  include bluegreen/shop-http.conf;\n  server { # {\n      include bluegreen/shop-server.conf;\n  # x\n      location / { proxy_pass http://$bluegreen_shop; ${host} }\n  }`],
    ['a request URI after the name', `${up}\nserver {\nlocation / { proxy_pass http://shop$request_uri; ${host} }\n}`, `${up}\ninclude bluegreen/shop-http.conf;\nserver {\ninclude bluegreen/shop-server.conf;\nlocation / { proxy_pass http://$bluegreen_shop$request_uri; ${host} }\n}`],
  ])('%s', (_name, before, expected) => {
    expect(after(before)).toBe(expected);
  });

  test('an include that is there already, by way of another file, is not written again', () => {
    const files = {
      [shop]: `include bluegreen/shop-http.conf;\n${up}\nserver {\n    include snippet.conf;\n    location / { proxy_pass http://shop; ${host} }\n}\n`,
      '/etc/nginx/snippet.conf': 'include bluegreen/shop-server.conf;\n',
      [httpFile]: port.http.text,
      [serverFile]: port.server?.text ?? '',
    };
    expect(plan(files)).toMatchObject({ traps: [], writes: [{ file: shop, after: files[shop]?.replace('http://shop', 'http://$bluegreen_shop') }] });
  });

  test('redirects of a location’s own stay', () => {
    const server = (text: string) => `${up}\nserver {\n    ${text}\n}\n`;
    expect(after(server(`location / { proxy_pass http://shop; proxy_redirect http://a/ /; ${host} }`))).toContain('proxy_redirect http://a/ /;');
    const outer = server(`location /a { proxy_pass http://10.0.0.1; proxy_redirect default; location /a/b { proxy_pass http://shop; ${host} } }`);
    expect(plan(outer).traps).toEqual([]);
  });

  test('every server block that leads to the app, in several files; a shared file is changed once', () => {
    const common = '/etc/nginx/common.conf';
    const files = {
      [shop]: `${up}\nserver { listen 80; return 301 https://$host; }\nserver {\n    listen 443 ssl;\n    include common.conf;\n}\n`,
      '/etc/nginx/sites-enabled/zoo': 'server {\n    server_name zoo;\n    include common.conf;\n}\nserver { listen 8080; location / { return 204; } }\n',
      [common]: `location / { proxy_pass http://shop; ${host} }\n`,
    };
    const { writes, traps } = plan(files);
    const edits = edited({ writes });
    expect(traps).toEqual([]);
    // The upstreams first, then what sets the variable, last what only leads to it.
    expect(written({ writes })).toEqual([httpFile, serverFile, shop, '/etc/nginx/sites-enabled/zoo', common]);
    expect(edits[0]?.after).toBe(
      `${up}\nserver { listen 80; return 301 https://$host; }\ninclude bluegreen/shop-http.conf;\nserver {\n    include bluegreen/shop-server.conf;\n    listen 443 ssl;\n    include common.conf;\n}\n`,
    );
    expect(edits[2]?.after).toBe(`location / { proxy_pass http://$bluegreen_shop; ${host} }\n`);
    expect(edits[1]?.after).toBe(files['/etc/nginx/sites-enabled/zoo'].replace('{\n', '{\n    include bluegreen/shop-server.conf;\n'));
  });
});

describe('what cannot be changed safely', () => {
  const server = (text: string) => `${up}\nserver {\n${text}\n}`;
  test.each([
    [`location /app/ { proxy_pass http://shop/; ${host} }`, "proxy_pass http://shop…: what follows the name would be asked for whatever the visitor's path, once the name is a variable", 'Write `rewrite ^/app/(.*)$ /$1 break;` and after it `proxy_pass http://shop;`. Then run setup again.'],
    [`location = /x { proxy_pass http://shop/y; ${host} }`, "proxy_pass http://shop…: what follows the name would be asked for whatever the visitor's path, once the name is a variable", 'Write `$is_args$args` at its end. Then run setup again.'],
    ['location / { grpc_pass grpc://shop; }', 'grpc_pass grpc://shop: an instant switch serves `proxy_pass http://` only', undefined],
    ['location / { fastcgi_pass shop; }', 'fastcgi_pass shop: an instant switch serves `proxy_pass http://` only', undefined],
    [`location / { proxy_pass https://shop; ${host} }`, 'proxy_pass https://shop: an instant switch serves `proxy_pass http://` only', undefined],
    [`set $b shop; location / { proxy_pass http://$b; ${host} }`, 'proxy_pass leads to the app by a variable', 'Write `proxy_pass http://shop;`. Then run setup again.'],
    [`location / { proxy_pass http://shop; proxy_redirect default; ${host} }`, '`proxy_redirect default` beside a variable: nginx refuses that', 'Remove the line: /etc/nginx/bluegreen/shop-server.conf does the same. Then run setup again.'],
    [`open_file_cache max=10; location / { proxy_pass http://shop; ${host} }`, 'open_file_cache stands in this server block, and in /etc/nginx/bluegreen/shop-server.conf too: nginx refuses that', 'Remove the line: for the whole server block it has to be off. Then run setup again.'],
    [`disable_symlinks on; location / { proxy_pass http://shop; ${host} }`, 'disable_symlinks stands in this server block, and in /etc/nginx/bluegreen/shop-server.conf too: nginx refuses that', undefined],
    [`proxy_redirect off; location / { proxy_pass http://shop; ${host} }`, 'proxy_redirect off beside /etc/nginx/bluegreen/shop-server.conf, which has others: nginx refuses that', undefined],
    [`location =/.bluegreen/shop { return 204; } location / { proxy_pass http://shop; ${host} }`, '/etc/nginx/bluegreen/shop-server.conf has a location =/.bluegreen/shop too', undefined],
    [`rewrite ^(.*)$ /i.php last; location / { proxy_pass http://shop; ${host} }`, 'rewrite takes /.bluegreen/shop too, by which a deploy asks which slot nginx uses', undefined],
    [`location / { proxy_pass http://shop; ${host} } location /b { proxy_pass http://127.0.0.1:9502; }`, "proxy_pass http://127.0.0.1:9502 goes straight to a slot's port, which an instant switch does not change", undefined],
  ])('%s', (text, what, mend) => {
    const traps = refused(server(text));
    expect(brief(traps)).toEqual([`sites-enabled/shop:3: ${what}`]);
    if (mend) expect(traps[0]?.mend).toBe(mend);
  });

  test('what one is told to write is changed over the next time', () => {
    const [trap] = refused(server(`location = /x { proxy_pass http://shop/y; ${host} }`));
    expect(trap?.mend).toContain('$is_args$args');
    expect(after(server(`location = /x { proxy_pass http://shop/y$is_args$args; ${host} }`))).toContain('proxy_pass http://$bluegreen_shop/y$is_args$args;');
    expect(after(server(`location /app/ { rewrite ^/app/(.*)$ /$1 break; proxy_pass http://shop; ${host} }`))).toContain('break; proxy_pass http://$bluegreen_shop;');
  });

  test('other machines in the upstream', () => {
    const three = server(`location / { proxy_pass http://shop; ${host} }`).replace(up, 'upstream shop {\nserver 127.0.0.1:9501;\nserver 10.0.0.1:80;\nserver 10.0.0.2:80 down;\n}');
    expect(brief(refused(three))).toEqual(["sites-enabled/shop:3: server 10.0.0.1:80: after setup only the app's two slots would get requests, not this one"]);
  });

  test('another app of the same server block', () => {
    const api = managedShop({ app: 'api', upstream: 'api', ports: [9601, 9602] });
    const files = { [shop]: server(`${api.server?.include}\nlocation / { proxy_pass http://shop; ${host} }`), [api.server?.path ?? '']: api.server?.text ?? '' };
    const { traps } = plan(files);
    expect(brief(traps)).toEqual([
      'bluegreen/api-server.conf:3: open_file_cache stands in this server block, and in /etc/nginx/bluegreen/shop-server.conf too: nginx refuses that',
      'bluegreen/api-server.conf:4: disable_symlinks stands in this server block, and in /etc/nginx/bluegreen/shop-server.conf too: nginx refuses that',
    ]);
    expect(traps[0]?.mend).toContain('Only one app of a server block can be switched instantly');
  });

  test('no server block that leads to the app', () => {
    expect(refusal(() => plan(`${up}\nserver { location / { return 204; } }`))).toContain('no server block of nginx leads to the upstream shop');
  });

  test('bytes that are not UTF-8, in a file that has to be changed', () => {
    expect(refusal(() => plan(server(`location / { proxy_pass http://shop; ${host} } # caf\uFFFD`)))).toContain('holds bytes that are not UTF-8');
    expect(plan({ [shop]: server(`location / { proxy_pass http://shop; ${host} }`), '/etc/nginx/sites-enabled/z': '# caf\uFFFD' }).traps).toEqual([]);
  });

  test('secrets beside a pass are not shown', () => {
    const { shown } = plan(server('location / { proxy_pass http://shop; proxy_set_header Authorization "Basic c2VjcmV0"; proxy_set_header Host a; }'));
    expect(JSON.stringify(shown)).not.toContain('c2VjcmV0');
  });
});

describe('what is lost is told', () => {
  test('lines of the upstream', () => {
    const { warnings, traps } = plan(`upstream shop {\nleast_conn;\nserver 127.0.0.1:9501 max_conns=5;\nserver 127.0.0.1:9502 down;\nkeepalive 8;\n}\nserver { location / { proxy_pass http://shop; ${host} } }`);
    expect(traps).toEqual([]);
    const lost = (text: string) => `${text}: the upstreams in /etc/nginx/bluegreen/shop-http.conf do not have this`;
    expect(brief(warnings)).toEqual([`sites-enabled/shop:2: ${lost('least_conn')}`, `sites-enabled/shop:3: ${lost('server 127.0.0.1:9501 max_conns=5')}`, `sites-enabled/shop:5: ${lost('keepalive 8')}`]);
  });

  test('an app that may listen on another address of this machine than the upstreams of setup have is warned of', () => {
    const upstream = 'upstream shop {\nserver localhost:9501;\nserver [::1]:9502 down;\nserver 127.0.0.1:9502 backup;\n}';
    const { warnings, traps } = plan(`${upstream}\nserver { location / { proxy_pass http://shop; ${host} } }`);
    expect(traps).toEqual([]);
    expect(brief(warnings)).toEqual([
      'sites-enabled/shop:2: server localhost:9501: nginx will connect to 127.0.0.1:9501 in its place',
      'sites-enabled/shop:3: server [::1]:9502: nginx will connect to 127.0.0.1:9502 in its place',
    ]);
  });

  test('lines are named as they are now', () => {
    expect(brief(plan(`${up}\nserver {\nlocation / {\nproxy_pass http://shop;\n}\n}`).warnings)).toEqual([
      'sites-enabled/shop:4: no proxy_set_header Host holds here: the app sees `Host: shop-blue`, another one after each switch',
    ]);
  });
});

describe('with sockets', () => {
  const server = `server {\n    location / { proxy_pass http://shop; ${host} }\n}\n`;
  test('the upstream becomes the include', () => {
    expect(after(`# one\nupstream shop {\n    server 127.0.0.1:9501;\n} # two\n${server}`, 'socket')).toBe(`# one\ninclude bluegreen/shop-http.conf; # two\n${server}`);
    const { writes, warnings, probes, shown } = plan(`upstream shop {\n    include servers.conf;\n}\n${server}`.replace('include servers.conf;', 'server 127.0.0.1:9501;\n    keepalive 8;'), 'socket');
    expect(written({ writes })).toEqual([httpFile, shop]);
    expect(shown).toMatchObject([{ line: 1, remove: 'upstream shop { … }', add: 'include bluegreen/shop-http.conf;' }]);
    expect(brief(warnings)).toEqual(['sites-enabled/shop:3: keepalive 8: the upstream in /etc/nginx/bluegreen/shop-http.conf does not have this']);
    expect(probes).toEqual([]);
  });

  test('server lines in a file of their own stay behind, unused', () => {
    const files = { [shop]: `upstream shop {\n    include servers.conf;\n}\n${server}`, '/etc/nginx/servers.conf': 'server 127.0.0.1:9501;\n' };
    expect(plan(files, 'socket')).toMatchObject({ traps: [], writes: [{ file: httpFile }, { file: shop, after: `include bluegreen/shop-http.conf;\n${server}` }] });
  });

  const byPort = after(`${up}\n${server}`) ?? '';
  const filesOf = (site: string, managed: typeof port) => ({ [shop]: site, [managed.http.path]: managed.http.text, ...(managed.server ? { [managed.server.path]: managed.server.text } : {}) });

  test('from ports to sockets, and back', () => {
    const toSocket = plan(filesOf(byPort, port), 'socket');
    expect(toSocket.traps).toEqual([]);
    const bySocket = `include bluegreen/shop-http.conf;\n${server}`;
    // The app's old upstream goes before the one of its name comes; the file is written a second time then.
    expect(toSocket.writes.map(({ before, after: becomes }) => [before === undefined, becomes])).toEqual([
      [false, byPort.replace(`${up}\n`, '')],
      [false, socket.http.text],
      [true, bySocket],
    ]);
    const back = plan(filesOf(bySocket, socket), 'port');
    expect(back.traps).toEqual([]);
    // nginx refuses a name that it does not know, so the old upstream goes last.
    expect(back.writes.map((write) => write.after)).toEqual([port.server?.text, byPort.replace(`${up}\n`, ''), port.http.text]);
    expect(plan(filesOf(bySocket, socket), 'socket')).toMatchObject({ writes: [], traps: [], warnings: [] });
  });

  test('a variable that is not led to directly is refused on the way back', () => {
    const indirect = byPort.replace('location /', 'set $b $bluegreen_shop; location /').replace('proxy_pass http://$bluegreen_shop', 'proxy_pass http://$b');
    expect(brief(plan(filesOf(indirect, port), 'socket').traps)).toEqual(['sites-enabled/shop:5: proxy_pass leads to the app by a variable']);
  });
});

describe('edits of a text', () => {
  const text = 'one\ntwo\nthree\nfour';
  const change = (find: string, by: string) => ({ start: text.indexOf(find), end: text.indexOf(find) + find.length, text: by });

  test('as whole lines', () => {
    expect(hunksOf(text, [change('wo', 'x'), { start: 8, end: 8, text: 'new\n' }])).toEqual([
      { from: 2, to: 2, text: 'tx\n' },
      { from: 3, to: 3, text: 'new\nthree\n' },
    ]);
    expect(hunksOf(text, [change('ne\nt', 'x')])).toEqual([{ from: 1, to: 2, text: 'oxwo\n' }]);
    expect(hunksOf(text, [change('two\n', ''), change('four', 'end')])).toEqual([
      { from: 2, to: 2, text: '' },
      { from: 4, to: 4, text: 'end' },
    ]);
  });

  test('a line of the changed text in the text before', () => {
    const changes = [{ start: 4, end: 4, text: 'new\nnew\n' }, change('three\n', '')];
    expect([1, 2, 3, 4, 5].map((line) => lineBefore(text, changes, line))).toEqual([1, 2, 2, 2, 4]);
  });
});

test.each(['', 'a', 'server {\n}\n', 'caf\u00e9 \u{1F600}\r\n', 'x'.repeat(70_000)])('the checksum is the one of cksum (%#)', (text) => {
  const { stdout } = spawnSync('cksum', { input: text, encoding: 'utf8' });
  expect(cksum(text)).toBe(stdout.trim());
});
