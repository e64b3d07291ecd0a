import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../../src/nginx/config.js';
import { otherWays, refuseOtherWays } from '../../../src/nginx/other-ways.js';
import { dumpFrom, dumpOf, inHttp, options, refusal, samples } from './samples.js';
import { switched } from './switched.js';

const own = 'upstream shop { server 127.0.0.1:9501; }\n';
/** What is found beside the app's own upstream, in http. */
const found = (text: string) => otherWays(inHttp(own + text), options).map((one) => one.text);
const inServer = (text: string) => found(`server { ${text} }`);

describe.each(samples)('%s', (_name, dump) => {
  test('has no other way, before and after a switch', () => {
    expect(otherWays(readConfig(dump), options)).toEqual([]);
    expect(otherWays(readConfig(switched(dump, 'green')), options)).toEqual([]);
  });
});

describe('an address given directly', () => {
  test.each([
    ['location / { proxy_pass http://127.0.0.1:9501; }', 'proxy_pass http://127.0.0.1:9501'],
    ['location / { proxy_pass http://localhost:9502/secret?x=1; }', 'proxy_pass http://localhost:9502…'],
    ['location / { proxy_pass "https://[::1]:9502/"; }', 'proxy_pass https://[::1]:9502…'],
    ['location / { if ($a) { proxy_pass http://0.0.0.0:9501; } }', 'proxy_pass http://0.0.0.0:9501'],
    ['location / { location /a { proxy_pass http://192.0.2.10:9501; } }', 'proxy_pass http://192.0.2.10:9501'],
    ['location / { grpc_pass grpc://127.0.0.1:9501; }', 'grpc_pass grpc://127.0.0.1:9501'],
    ['location / { grpc_pass 127.0.0.1:9501; }', 'grpc_pass 127.0.0.1:9501'],
    ['location / { fastcgi_pass 127.0.0.1:9502; }', 'fastcgi_pass 127.0.0.1:9502'],
    ['location / { uwsgi_pass uwsgi://127.0.0.1:9502; }', 'uwsgi_pass uwsgi://127.0.0.1:9502'],
    ['location / { scgi_pass localhost:9501; }', 'scgi_pass localhost:9501'],
    ['location / { memcached_pass localhost:9501; }', 'memcached_pass localhost:9501'],
    ['location /m { mirror /copy; } location = /copy { internal; proxy_pass http://127.0.0.1:9502$request_uri; }', 'proxy_pass http://127.0.0.1:9502…'],
    ['location / { proxy_pass http://127.0.0.1:9501$request_uri; }', 'proxy_pass http://127.0.0.1:9501…'],
  ])('%s', (text, expected) => {
    expect(inServer(text)).toEqual([expected]);
  });

  test.each([
    'location / { proxy_pass http://shop; }',
    'set $b shop; location / { proxy_pass http://$b; }',
    'location / { proxy_pass http://192.0.2.99:9501; }',
    'location / { proxy_pass http://127.0.0.1:9503; }',
    'location / { proxy_pass http://127.0.0.1:95011; }',
    'location / { proxy_pass http://unix:/srv/9501/app.sock; }',
    'location / { proxy_pass http://127.0.0.1; }',
    '# proxy_pass http://127.0.0.1:9501;\n',
    'location / { proxy_pass http://shop; # http://127.0.0.1:9501\n }',
    'location / { proxy_pass http://shop; proxy_redirect http://127.0.0.1:9501/ /; }',
    'location / { proxy_pass http://shop; proxy_set_header Host localhost:9501; }',
    'location / { return 301 http://localhost:9501/; }',
    'add_header X-App "127.0.0.1:9501";',
    'rewrite ^ http://localhost:9501/ redirect;',
    'root /srv/localhost:9501;',
  ])('%s is none', (text) => {
    expect(inServer(text)).toEqual([]);
  });

  test('with the port that its scheme has', () => {
    const at80 = { ...options, ports: [80, 81] as [number, number] };
    const config = inHttp('upstream shop { server 127.0.0.1:80; } upstream localhost { server 192.0.2.99; }\nserver { location / { proxy_pass http://127.0.0.1/; } location /a { proxy_pass http://localhost/; } }');
    expect(otherWays(config, at80).map((one) => one.text)).toEqual(['proxy_pass http://127.0.0.1…']);
  });
});

describe('variables', () => {
  test.each([
    ['set $x 127.0.0.1:9501; location / { proxy_pass http://$x; }', ['$x = 127.0.0.1:9501', 'proxy_pass http://127.0.0.1:9501']],
    ['set $x http://localhost:9501;', ['$x = http://localhost:9501']],
    ['set $port 9502; location / { proxy_pass http://127.0.0.1:$port; }', ['proxy_pass http://127.0.0.1:9502']],
    ['set $h localhost; set $a ${h}:9501; location / { proxy_pass http://$a/x; }', ['proxy_pass http://localhost:9501…']],
    ['set $x localhost:9501; set $y $x; add_header A $x;', ['$x = localhost:9501']],
    ['set $x http://localhost:9501; add_header X-Origin $x;', []],
    ['set $x http://localhost:9503; location / { proxy_pass $x; }', []],
    ['set $loop $loop; location / { proxy_pass http://$loop:9501; }', []],
  ])('%s', (text, expected) => {
    expect(inServer(text).sort()).toEqual([...expected].sort());
  });

  test('a set holds in its own server block only', () => {
    expect(found('server { set $p 9501; } server { set $p 9600; location / { proxy_pass http://127.0.0.1:$p; } }')).toEqual([]);
  });

  test.each([
    ['map $host $to { default shop; old.example.com 127.0.0.1:9502; }', ['$to = 127.0.0.1:9502']],
    ['map $host $to { hostnames; default http://localhost:9501; }', ['$to = http://localhost:9501']],
    ['map $host $to { localhost:9501 shop; "~^127.0.0.1:9501" blog; }', []],
    ['geo $to { default shop; 127.0.0.1/32 127.0.0.1:9501; }', ['$to = 127.0.0.1:9501']],
    ['split_clients $remote_addr $to { 5% [::1]:9502; * shop; }', ['$to = [::1]:9502']],
    ['map $http_origin $cors { default ""; http://localhost:9501 http://localhost:9501; } server { add_header Access-Control-Allow-Origin $cors; }', []],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test('do not take long, however many values they have', () => {
    const wide = (i: number) => Array.from({ length: 300 }, (_, k) => `${k} "${k}$w${i + 1}";`).join(' ');
    expect(found(`${[0, 1, 2, 3, 4].map((i) => `map $a $w${i} { ${wide(i)} }`).join('\n')} server { location / { proxy_pass http://$w0; } }`)).toEqual([]);
    const lines = Array.from({ length: 60 }, (_, i) => `map $a $v${i} { 1 "\${v${(i + 1) % 60}}a"; 2 "\${v${(i + 1) % 60}}b"; default "x$v${(i + 7) % 60}"; }`);
    expect(found(`${lines.join('\n')} server { location / { proxy_pass http://$v0$v1$v2$v3; } }`)).toEqual([]);
  });
});

describe('other places', () => {
  test('another upstream', () => {
    expect(found('upstream old { server 10.0.0.1:9501; server localhost:9502 backup; }')).toEqual(['server localhost:9502']);
    expect(found('upstream old { server 10.0.0.1:9501; }')).toEqual([]);
  });

  test('stream and mail', () => {
    const config = readConfig(dumpOf(`http { ${own} }\nstream { upstream s { server 127.0.0.1:9501; }\nserver { listen 70; proxy_pass 127.0.0.1:9502; } }\nmail { auth_http localhost:9501/auth; }`));
    expect(otherWays(config, options).map((one) => `${one.line} ${one.text}`)).toEqual(['3 server 127.0.0.1:9501', '4 proxy_pass 127.0.0.1:9502', '5 auth_http localhost:9501…']);
  });

  test.each([
    ['listen 9501;', 1],
    ['listen *:9502 ssl;', 1],
    ['listen [::]:9501;', 1],
    ['listen localhost:9501;', 1],
    ['listen 192.0.2.10:9501;', 1],
    ['listen 9500-9505;', 1],
    ['listen 127.0.0.1:9502-9505;', 1],
    ['listen 192.0.2.99:9501;', 0],
    ['listen 9503;', 0],
    ['listen unix:/run/9501;', 0],
    ['listen 9501 quic;', 0],
    ['listen 9503-9510;', 0],
  ])('%s', (text, count) => {
    expect(inServer(text)).toHaveLength(count);
  });

  test.each([
    ['location / { content_by_lua_block { ngx.exec("http://127.0.0.1:9501/") } }', 1],
    ['location / { content_by_lua_block { b.set_current_peer("127.0.0.1", 9502) } }', 1],
    ["location / { access_by_lua 'return connect(\"::1\", 9502)'; }", 1],
    ['location / { content_by_lua_block { -- "127.0.0.1:9501"\n return } }', 0],
    ['location / { content_by_lua_block { return "127.0.0.1:9503" } }', 0],
  ])('Lua: %s', (text, count) => {
    expect(inServer(text)).toHaveLength(count);
  });

  test('a value that Lua may read counts, even if it is only shown elsewhere', () => {
    expect(inServer('set $x localhost:9501; add_header A $x; location / { access_by_lua_block { return ngx.var.x } }')).toEqual(['$x = localhost:9501']);
  });
});

describe('refusing', () => {
  test('names each place once, says what would happen, and the mend; shows no more of a line than the address', () => {
    const site = (path: string): [string, string] => [path, 'server {\n include pass;\n listen 9502; }'];
    const dump = dumpFrom(new Map([['/n/nginx.conf', `http { ${own} include s/*; }`], site('/n/s/a'), ['/n/pass', '\nlocation / { proxy_pass http://127.0.0.1:9501/?token=hush; }'], site('/n/s/b')]));
    const text = refusal(() => refuseOtherWays(readConfig(dump), options));
    expect(text.match(/\/n\/pass:2: proxy_pass http:\/\/127\.0\.0\.1:9501…/g)).toHaveLength(1);
    expect(text).toContain('/n/s/a:3: listen 9502');
    expect(text).toContain('/n/s/b:3: listen 9502');
    expect(text).toContain('a stopped app');
    expect(text).toContain('proxy_pass http://shop;');
    expect(text).toContain('"ports"');
    expect(text).not.toContain('hush');
  });

  test('is silent when there is nothing', () => {
    expect(() => refuseOtherWays(inHttp(own), options)).not.toThrow();
  });
});
