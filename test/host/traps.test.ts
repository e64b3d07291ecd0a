import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Trap } from '../../src/nginx/trap.js';
import { trapBed, type TrapBed } from './trap-bed.js';
import { needsRoot } from './root.js';

jest.setTimeout(60_000);

const http = 'include bluegreen/shop-http.conf;';
const server = 'include bluegreen/shop-server.conf;';
const host = 'proxy_set_header Host $host;';
const location = `location / { proxy_pass http://$bluegreen_shop; ${host} }`;
const followed = 'green blue green blue';

let bed: TrapBed;
const listen = () => `listen 127.0.0.1:${bed.ports.site};`;
/** A server block that is set up, with other lines in place of its location, and some before the include. */
const block = (lines = location, before = '') => `server {\n${listen()}\n${before}\n${server}\n${lines}\n}`;
const site = (lines = location, before = '') => `${http}\n${block(lines, before)}`;

const start = async (text: string) => expect(await bed.start(text)).toBe('');
const mended = async (text: string) => {
  await start(text);
  expect(bed.read()).toMatchObject({ setUp: true, traps: [] });
  expect(await bed.followed()).toBe(followed);
};
/** The one trap, at the line of nginx.conf with this text. */
const trapAt = (marker: string): Trap => {
  const { traps } = bed.read();
  expect(traps.map(({ file, line }) => `${file}:${line}`)).toEqual([`${bed.file}:${bed.line(marker)}`]);
  return traps[0] as Trap;
};

describe('a configuration that is set up', () => {
  beforeAll(async () => void (bed = await trapBed()));
  afterAll(() => bed.stop());
  afterEach(() => {
    bed.writeManaged(bed.shop);
    bed.switchTo('blue');
  });

  test('follows the link, and its probe tells which slot', async () => {
    await mended(site());
    for (const slot of ['green', 'blue'] as const) {
      bed.switchTo(slot);
      expect((await bed.ask(bed.shop.probePath)).body).toBe(bed.shop.probeAnswers[slot]);
    }
    const [probe, ...more] = bed.read().probes;
    expect(more).toEqual([]);
    expect(probe).toMatchObject({ scheme: 'http', connectTo: '127.0.0.1', port: bed.ports.site, path: '/.bluegreen/shop' });
  });

  test('a server block without the include passes nginx -t and answers 500', async () => {
    const wrong = `${http}\nserver { listen 127.0.0.1:${bed.ports.other + 1}; ${server} }\nserver {\n${listen()}\n${location}\n}`;
    await start(wrong);
    expect(await bed.followed()).toBe('500 500 500 500');
    const trap = trapAt('location /');
    expect(trap.mend).toContain(server);
    await mended(wrong.replace(location, `${server}\n${location}`));
  });

  test('the include in a location sets nothing for the others', async () => {
    const twice = `${location}\nlocation /b { proxy_pass http://$bluegreen_shop; }`;
    await start(`${http}\nserver {\n${listen()}\n${twice.replace('/ {', `/ {\n${server}`)}\n}`);
    expect(await bed.followed('/')).toBe(followed);
    expect(await bed.followed('/b')).toBe('500 500 500 500');
    expect(bed.read().traps[0]).toMatchObject({ file: bed.file, line: bed.line('location /') });
    await start(site(twice));
    expect(bed.read().traps).toEqual([]);
    expect(await bed.followed('/b')).toBe(followed);
  });

  test.each([
    ['break;', '/'],
    ['rewrite ^/a$ /b last;', '/a'],
    ['rewrite ^/a$ /b break;', '/a'],
    ['if ($uri = /a) { break; }', '/a'],
    ['error_page 418 = @app; if ($uri = /a) { return 418; }', '/a'],
  ])('the include after %s', async (before, path) => {
    const lines = `${location} location @app { proxy_pass http://$bluegreen_shop; }`;
    await start(site(lines, before));
    expect(await bed.followed(path)).toBe('500 500 500 500');
    trapAt(before);
    await mended(site(`${before}\n${lines}`));
    expect(await bed.followed(path)).toBe(followed);
  });

  test.each(['rewrite ^/a$ /b;', 'rewrite ^/a$ /b permanent;', 'if ($uri = /a) { return 301 /b; }', 'set $x y;'])('the include after %s is well', async (before) => {
    await mended(site(location, before));
  });

  test('a rewrite of every path takes the probe away', async () => {
    const rewrite = 'rewrite ^(.*)$ /index.php?q=$1 last;';
    await start(site(`${rewrite}\n${location}`));
    expect((await bed.ask(bed.shop.probePath)).body).toBe('blue shop.example.com /index.php?q=/.bluegreen/shop');
    expect(trapAt(rewrite).mend).toContain('^(?!/\\.bluegreen/)');
    await mended(site(`${rewrite.replace('^', '^(?!/\\.bluegreen/)')}\n${location}`));
    expect((await bed.ask(bed.shop.probePath)).body).toBe(bed.shop.probeAnswers.blue);
    expect((await bed.ask('/x')).body).toBe('blue shop.example.com /index.php?q=/x');
  });

  test('a URI part after the variable sends everything there', async () => {
    const app = `location /app/ { proxy_pass http://$bluegreen_shop/; ${host} }`;
    await start(site(app));
    expect((await bed.ask('/app/cart')).body).toBe('blue shop.example.com /');
    const { mend } = trapAt('location /app/');
    const [rewrite = '', pass = ''] = [...mend.matchAll(/`([^`]*)`/g)].map((match) => match[1]);
    await start(site(app.replace('proxy_pass http://$bluegreen_shop/;', `${rewrite} ${pass}`)));
    expect(bed.read().traps).toEqual([]);
    expect((await bed.ask('/app/cart?a=b')).body).toBe('blue shop.example.com /cart?a=b');
    expect(await bed.followed('/app/')).toBe(followed);
  });

  test.each([
    ['proxy_pass http://$bluegreen_shop:80', '502'],
    ['proxy_pass https://$bluegreen_shop', '502'],
    ['grpc_pass grpc://$bluegreen_shop', '502'],
    ['fastcgi_pass $bluegreen_shop', '502'],
  ])('%s', async (pass, status) => {
    await start(site(location.replace('proxy_pass http://$bluegreen_shop', pass)));
    expect(await bed.followed()).toBe([status, status, status, status].join(' '));
    trapAt(pass);
    await mended(site());
  });

  test('without the upstreams at the level of http nginx looks for them in DNS, and answers 502', async () => {
    await start(block());
    expect(await bed.followed()).toBe('502 502 502 502');
    expect(bed.errors()).toContain('no resolver defined to resolve shop-green');
    expect(trapAt('proxy_pass').mend).toContain(http);
    await mended(site());
  });

  test.each([
    ['the name of one slot', 'http://shop-blue', ''],
    ['the upstream of before', 'http://shop', 'upstream shop { server 127.0.0.1:BLUE; }'],
    ['an upstream of another name', 'http://old', 'upstream old { server 127.0.0.1:BLUE; }'],
    ['a port', 'http://127.0.0.1:BLUE', ''],
  ])('a second location that leads to %s stays there', async (_name, target, upstream) => {
    const ported = (text: string) => text.replace('BLUE', String(bed.ports.blue));
    const lines = (to: string) => `${location}\nlocation /api { proxy_pass ${to}; ${host} }`;
    await start(`${ported(upstream)}\n${site(lines(ported(target)))}`);
    expect(await bed.followed()).toBe(followed);
    expect(await bed.followed('/api')).toBe('blue blue blue blue');
    trapAt(target === 'http://old' ? 'upstream old' : 'location /api');
    await mended(site(lines('http://$bluegreen_shop')));
    expect(await bed.followed('/api')).toBe(followed);
  });

  test('two apps whose names give one variable', async () => {
    const { other } = bed.ports;
    const [mine, theirs] = [bed.managed('my-shop'), bed.managed('my_shop', [other, other + 1])];
    for (const files of [mine, theirs]) bed.writeManaged(files);
    const includes = `${mine.http.include}\n${theirs.http.include}`;
    const pass = `location / { proxy_pass http://$bluegreen_my_shop; ${host} }`;
    const both = `${includes}\nserver {\n${listen()}\n${mine.server?.include}\n${theirs.server?.include}\n${pass}\n}`;
    expect(await bed.start(both)).toContain('"open_file_cache" directive is duplicate');
    // Were it not for that, the second one would get the first one's requests.
    bed.write(theirs.server?.path ?? '', theirs.server?.text.replace('open_file_cache off;\ndisable_symlinks off;\n', '') ?? '');
    await start(both);
    expect((await bed.ask()).body).toMatch(/^other /);
    expect(bed.read(mine).traps.map(({ file }) => file)).toEqual([theirs.server?.path, theirs.server?.path]);
    // Each in a server block of its own they are no trouble.
    await start(`${includes}\nserver { listen 127.0.0.1:${other + 1}; ${theirs.server?.include} }\nserver {\n${listen()}\n${mine.server?.include}\n${pass}\n}`);
    expect(bed.read(mine).traps).toEqual([]);
    expect(await bed.followed()).toBe(followed);
  });

  test('why the variable has a prefix, and no sign of its own', async () => {
    // Named after the app alone, `host` would be nginx's own, and the name of `my-shop` would end at its sign.
    expect(await bed.start('server { set $host shop-blue; }')).toContain('the duplicate "host" variable');
    expect(await bed.start(`server { ${listen()} set $my-shop shop-blue; location / { proxy_pass http://$my-shop; } }`)).toContain('unknown "my" variable');
    expect(bed.managed('host').variable).toBe('$bluegreen_host');
    expect(bed.managed('my-shop').variable).toBe('$bluegreen_my_shop');
  });

  test('a set by hand, after the include', async () => {
    const set = 'set $bluegreen_shop shop-blue;';
    await start(site(`${set}\n${location}`));
    expect(await bed.followed()).toBe('blue blue blue blue');
    expect(trapAt(set).mend).toMatch(/^Remove it/);
    await mended(site());
  });

  test('open_file_cache at the level of http: without the include’s line switches are not seen', async () => {
    const cached = `open_file_cache max=100 inactive=1h; open_file_cache_valid 1h; open_file_cache_errors on;\n${site()}`;
    const { path = '', text = '' } = bed.shop.server ?? {};
    bed.write(path, text.replace('open_file_cache off;\n', ''));
    await start(cached);
    expect(await bed.followed()).not.toBe(followed);
    expect(bed.read().traps).toMatchObject([{ file: path, line: 3, mend: expect.stringContaining('Run `command: setup`, which writes it again') }]);
    bed.writeManaged(bed.shop);
    await mended(cached);
    await mended(cached.replace('location / {', 'location / { open_file_cache max=10; open_file_cache_valid 1h; disable_symlinks on; '));
  });

  test('disable_symlinks at the level of http: without the include’s line everything goes to blue', async () => {
    const forbidden = `disable_symlinks on;\n${site()}`;
    const { path = '', text = '' } = bed.shop.server ?? {};
    bed.write(path, text.replace('disable_symlinks off;\n', ''));
    await start(forbidden);
    expect(await bed.followed()).toBe('blue blue blue blue');
    expect(bed.read().traps).toMatchObject([{ file: path, line: 4 }]);
    bed.writeManaged(bed.shop);
    await mended(forbidden);
  });

  test('a proxy_redirect of a location’s own sends visitors to the upstream’s name', async () => {
    const own = 'proxy_redirect http://a/ /;';
    const bare = 'location / { proxy_pass http://$bluegreen_shop; }';
    await start(site(bare.replace('}', `${own} }`)));
    expect((await bed.ask('/moved')).location).toBe('http://shop-blue/there');
    const { mend } = trapAt(own);
    const ours = /`([^`]*)`/.exec(mend)?.[1] ?? '';
    await mended(site(bare.replace('}', `${own} ${ours} }`)));
    for (const slot of ['blue', 'green'] as const) {
      bed.switchTo(slot);
      expect((await bed.ask('/moved')).location).toBe(`http://shop.example.com:${bed.ports.site}/there`);
    }
    // The other mend: the app knows the host.
    await mended(site(location.replace('}', `${own} }`)));
    expect((await bed.ask('/moved')).location).toBe('http://shop.example.com/there');
  });

  test.each([
    ['an include in an if', `if ($args) { ${server} }`, '"open_file_cache" directive is not allowed here'],
    ['the include twice', `${server} ${server}`, '"open_file_cache" directive is duplicate'],
    ['a second open_file_cache', `${server} open_file_cache max=10;`, '"open_file_cache" directive is duplicate'],
    ['a second disable_symlinks', `${server} disable_symlinks on;`, '"disable_symlinks" directive is duplicate'],
    ['proxy_redirect off in the server block', `${server} proxy_redirect off;`, '"proxy_redirect" directive is duplicate'],
    ['proxy_redirect default beside the variable', `${server} location /b { proxy_pass http://$bluegreen_shop; proxy_redirect default; }`, '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables'],
    ['a location at the path of the probe', `${server} location = /.bluegreen/shop { return 204; }`, 'duplicate location "/.bluegreen/shop"'],
  ])('nginx -t refuses %s', async (_name, lines, words) => {
    expect(await bed.start(`${http}\nserver { ${listen()} ${lines} ${location} }`)).toContain(words);
  });

  describe('what is only told', () => {
    const warningAt = (marker: string): Trap => {
      const { traps, warnings } = bed.read();
      expect(traps).toEqual([]);
      expect(warnings.map(({ file, line }) => `${file}:${line}`)).toEqual([`${bed.file}:${bed.line(marker)}`]);
      return warnings[0] as Trap;
    };

    test('without a Host header the app sees the name of the upstream', async () => {
      await start(site('location / { proxy_pass http://$bluegreen_shop; }'));
      expect((await bed.ask()).body).toBe('blue shop-blue /');
      bed.switchTo('green');
      expect((await bed.ask()).body).toBe('green shop-green /');
      warningAt('proxy_pass');
    });

    test('a cache without a key of its own is cold after a switch', async () => {
      const zone = `proxy_cache_path ${bed.dir}/cache keys_zone=z:1m;\n`;
      const cached = (more = '') => `${zone}${site(location.replace('}', `proxy_cache z; proxy_cache_valid 200 1h;${more} }`))}`;
      await start(cached());
      expect((await bed.ask()).body).toBe('blue shop.example.com /');
      expect((await bed.ask()).body).toBe('blue shop.example.com /');
      bed.switchTo('green');
      expect((await bed.ask()).body).toBe('green shop.example.com /');
      const key = /`(proxy_cache_key.*;)`/.exec(warningAt('proxy_cache z;').mend)?.[1] ?? '';
      bed.switchTo('blue');
      await start(cached(key));
      expect(bed.read().warnings).toEqual([]);
      expect((await bed.ask('/x')).body).toBe('blue shop.example.com /x');
      bed.switchTo('green');
      expect((await bed.ask('/x')).body).toBe('blue shop.example.com /x');
    });

    test('with proxy_next_upstream off an upload is lost whose slot is stopped meanwhile', async () => {
      const upload = async (more: string) => {
        const mine = await trapBed();
        try {
          const lines = location.replace('}', `${more} }`);
          expect(await mine.start(`${http}\nserver { listen 127.0.0.1:${mine.ports.site}; ${server}\n${lines} }`)).toBe('');
          const socket = connect(mine.ports.site, '127.0.0.1');
          let answer = '';
          socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
          socket.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab');
          await sleep(300);
          mine.switchTo('green');
          mine.apps.blue?.closeAllConnections();
          mine.apps.blue?.close();
          socket.write('cd');
          await new Promise((resolve) => socket.once('close', resolve));
          return { status: answer.split(' ')[1], warnings: mine.read().warnings.map(({ what }) => what) };
        } finally {
          await mine.stop();
        }
      };
      expect(await upload('')).toEqual({ status: '200', warnings: [] });
      for (const more of ['proxy_next_upstream off;', 'proxy_next_upstream_tries 1;']) {
        expect(await upload(more)).toEqual({ status: '502', warnings: [expect.stringContaining('an upload that began before a switch')] });
      }
    });

    test('beside the include other places lose what nginx did to redirects by itself', async () => {
      const elsewhere = (more = '') => `${location}\nlocation /api/ { proxy_pass http://127.0.0.1:${bed.ports.other}/; ${more} }`;
      await start(`server { ${listen()} ${elsewhere('').replace(location, '')} }`);
      expect((await bed.ask('/api/moved')).location).toBe(`http://shop.example.com:${bed.ports.site}/api/there`);
      await start(site(elsewhere()));
      expect((await bed.ask('/api/moved')).location).toBe(`http://127.0.0.1:${bed.ports.other}/there`);
      const more = /`(.*;)`/.exec(warningAt('location /api/').mend)?.[1] ?? '';
      await start(site(elsewhere(more)));
      expect(bed.read().warnings).toEqual([]);
      expect((await bed.ask('/api/moved')).location).toBe(`http://shop.example.com:${bed.ports.site}/api/there`);
    });

    test('beside the include proxy_redirect of http does not hold', async () => {
      const redirect = 'proxy_redirect http://shop.example.com/ https://shop.example.com/;';
      await start(`${redirect}\n${site()}`);
      expect((await bed.ask('/moved')).location).toBe('http://shop.example.com/there');
      warningAt(redirect);
      await start(`${redirect}\n${site(`${redirect}\n${location}`)}`);
      expect(bed.read().warnings).toEqual([]);
      expect((await bed.ask('/moved')).location).toBe('https://shop.example.com/there');
    });
  });
});


needsRoot('a path that the workers cannot search sends everything to blue; nothing but the probe tells it', async () => {
  bed = await trapBed({ user: `nobody ${spawnSync('id', ['-gn', 'nobody'], { encoding: 'utf8' }).stdout.trim()}` });
  try {
    await mended(site());
    chmodSync(bed.root, 0o750);
    expect(await bed.followed()).toBe('blue blue blue blue');
    expect(bed.read()).toMatchObject({ setUp: true, traps: [] });
    bed.switchTo('green');
    expect((await bed.ask(bed.shop.probePath)).body).toBe(bed.shop.probeAnswers.blue);
    chmodSync(bed.root, 0o755);
    expect(await bed.followed()).toBe(followed);
  } finally {
    await bed.stop();
  }
});

describe('an upstream for sockets', () => {
  beforeAll(async () => void (bed = await trapBed({ listen: 'socket' })));
  afterAll(() => bed.stop());

  const pass = () => `server {\n${listen()}\nlocation / { proxy_pass http://shop; ${host} proxy_http_version 1.1; proxy_set_header Connection ""; }\n}`;
  const byHand = (lines: string) => `upstream shop {\nserver unix:${bed.root}/live/app.sock;\n${lines}\n}\n${pass()}`;

  test('follows the link', async () => mended(`${http}\n${pass()}`));

  test.each([
    ['keepalive 8;', 'blue blue blue blue'],
    ['server 127.0.0.1:OTHER;', undefined],
  ])('written by hand with %s does not', async (text, expected) => {
    const line = text.replace('OTHER', String(bed.ports.other));
    bed.switchTo('blue');
    await start(byHand(line));
    await bed.ask();
    const got = await bed.followed();
    if (expected) expect(got).toBe(expected);
    else expect(got).toContain('other');
    expect(bed.read().traps.map((one) => one.line)).toEqual([bed.line('upstream shop'), bed.line(line)]);
    await mended(`${http}\n${pass()}`);
  });

  test('a second upstream of that name is an error of nginx -t', async () => {
    expect(await bed.start(`${http}\n${byHand('')}`)).toContain('duplicate upstream "shop"');
  });
});
