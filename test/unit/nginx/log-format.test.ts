import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { COMBINED, statusPlace, type Escape } from '../../../src/nginx/log-format.js';

const bake = readFileSync(fileURLToPath(new URL('../../../src/engine/steps/bake.sh', import.meta.url)), 'utf8');

/** What nginx makes of a variable's value: ngx_http_log_escape and ngx_escape_json. */
function escaped(value: string, escape: Escape): string {
  if (escape === 'none') return value;
  const hex = (char: string) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  if (escape === 'default') return value === '' ? '-' : value.replace(/["\\\x00-\x1f\x7f-\uffff]/g, hex);
  return value.replace(/["\\]/g, '\\$&').replace(/[\x00-\x1f]/g, (char) => ({ '\n': '\\n', '\t': '\\t', '\r': '\\r' })[char] ?? `\\u00${hex(char).slice(2)}`);
}

/** What a visitor may send to look like something else. */
const nasty = ['', '-', 'plain', 'a b', '" 200 1 "', '] "GET / HTTP/1.1" 200 1 "-" "', '\\', '\\"', '\t200\t', '"status":"200"', "' 200 '", '|200|', '200', ' 200 ', '} 200', '\n"200"', 'é"', '\\\\" 200 5 "x'];
const known: Record<string, string> = {
  remote_addr: '10.0.0.7', time_local: '23/Nov/2026:08:39:18 +0000', time_iso8601: '2026-11-23T08:39:18+00:00', body_bytes_sent: '512', bytes_sent: '700',
  request_time: '0.012', msec: '1763887158.200', upstream_response_time: '0.005, 0.200', upstream_status: '502, 200', request_id: '200200200abcdef', upstream_addr: '127.0.0.1:9501',
  request_length: '200', connection: '200', scheme: 'https', server_port: '443', pipe: '.',
};

/** Lines as nginx would write them: each nasty text in each variable that a visitor has a hand in, with these statuses in turn. */
function linesOf(format: string, escape: Escape, statuses: string[]): string[] {
  return statuses.map((status, at) =>
    format.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_all, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare ?? '';
      return name === 'status' ? status : (known[name] ?? escaped(nasty[at % nasty.length] ?? '', escape));
    }),
  );
}

const awks = ['mawk', 'gawk', 'busybox awk'].filter((awk) => existsSync(`/usr/bin/${awk.split(' ')[0]}`));

/** What the host counts: `5xx all`. */
function tally(format: string, escape: Escape, lines: string[], awk = 'awk'): string {
  const place = statusPlace(format, escape);
  if (!place) return 'not countable';
  const { field, fields, side, beside } = place;
  const variables = Object.entries({ ESCAPE: escape, FIELD: field, FIELDS: fields, SIDE: side, BESIDE: beside }).map(([name, value]): [string, string] => [`V_${name}`, String(value)]);
  const script = `${bake}\nfor n in ESCAPE FIELD FIELDS SIDE BESIDE; do eval "BG_BL_$n=\\$V_$n"; done\n${awk === 'awk' ? '' : `awk() { command ${awk} "$@"; }\n`}bg_bake_tally`;
  const { stdout, stderr } = spawnSync('sh', ['-c', script], { input: lines.map((line) => `${line}\n`).join(''), encoding: 'utf8', env: { PATH: process.env.PATH, ...Object.fromEntries(variables) } });
  expect(stderr).toBe('');
  return stdout.trim();
}

const statuses = nasty.flatMap(() => ['200', '500', '404', '502', '301', '503', '304']);
const bad = statuses.filter((status) => status.startsWith('5')).length;

const countable: [string, Escape, string][] = [
  ['combined', 'default', COMBINED],
  ['vhost first', 'default', `$host:$server_port ${COMBINED}`],
  ['the status before the request', 'default', '$remote_addr - $remote_user [$time_local] $status "$request"'],
  ['first of all', 'default', '$status $request "$http_user_agent"'],
  ['last of all', 'default', '$http_user_agent $request $status'],
  ['times between', 'default', '$remote_addr "$request" $request_time $msec $status $body_bytes_sent "$http_referer"'],
  ['what cannot be followed before it', 'default', '"$request" $upstream_response_time $status $body_bytes_sent "$http_referer"'],
  ['upstream_status beside it', 'default', '$remote_addr "$request" us=$upstream_status s=$status "$http_user_agent"'],
  ['tabs', 'default', '$time_iso8601\t$remote_addr\t$request\t$status\t$http_user_agent'],
  ['ltsv', 'default', 'time:$time_iso8601\thost:$remote_addr\treq:$request\tstatus:$status\tua:$http_user_agent'],
  ['json in the default escape', 'default', '{"time":"$time_iso8601","req":"$request","status":$status,"ua":"$http_user_agent"}'],
  ['json', 'json', '{"ua":"$http_user_agent","req":"$request","status":"$status","ref":"$http_referer"}'],
  ['json, a bare number', 'json', '{ "req": "$request", "bytes": $body_bytes_sent, "status": $status, "ref": "$http_referer" }'],
  ['json, a bare number last', 'json', '{"req":"$request","status":$status}'],
  ['braces around names', 'default', '${remote_addr} "${request}" ${status}${pipe}'],
  ['brackets and other signs of expressions', 'default', '[$remote_addr] ($scheme) {$server_port} ^*+?.|$$status "$request"'.replace('$$', '= $')],
  ['glued to a number', 'default', '"$request" $status$body_bytes_sent'],
  ['unescaped, but nothing of a visitor in it', 'none', '$remote_addr [$time_local] $status $body_bytes_sent $request_time'],
];

describe('the status is found in lines whose other words are a visitor’s', () => {
  test.each(countable)('%s', (_what, escape, format) => {
    for (const awk of ['awk', ...awks]) expect(`${awk}: ${tally(format, escape, linesOf(format, escape, statuses), awk)}`).toBe(`${awk}: ${bad} ${statuses.length}`);
  });

  test.each([
    ['no status', 'default', '$remote_addr "$request"'],
    ['only that of the upstream', 'default', '$remote_addr "$request" $upstream_status'],
    ['unquoted text of visitors on both sides', 'default', '$request $status $http_user_agent'],
    ['signs that a visitor may write', 'default', '$request|$status|$http_user_agent'],
    ['no escape, and text of visitors', 'none', '"$request" $status "$http_user_agent"'],
    ['a variable of the site’s own', 'none', '$own $status'],
    ['a backslash', 'default', '"$request" \\ $status'],
    ['more than one line', 'default', '"$request"\n$status'],
    ['a number glued on the left', 'default', '$request $body_bytes_sent$status $http_user_agent'],
  ] as [string, Escape, string][])('not countable: %s', (_what, escape, format) => {
    expect(statusPlace(format, escape)).toBeUndefined();
  });
});

describe('what is counted', () => {
  const line = (status: string, agent = 'x') => `10.0.0.7 - - [23/Nov/2026:08:39:18 +0000] "GET / HTTP/1.1" ${status} 12 "-" "${agent}"`;

  test('lines of another format, halves of lines and empty ones are none', () => {
    expect(tally(COMBINED, 'default', [line('500'), '', line('500').slice(0, 60), line('500').slice(50), line('500').replace(' "-" "x"', ''), '{"status":500}', 'x'.repeat(5000)])).toBe('1 1');
  });

  test('our own asks are not', () => {
    expect(tally(COMBINED, 'default', [line('500'), line('200'), line('502', 'bluegreen-action'), line('200', 'bluegreen-action')])).toBe('1 2');
  });

  test('nothing at all', () => {
    expect(tally(COMBINED, 'default', [])).toBe('0 0');
  });

  test('bytes that are no text', () => {
    const place = statusPlace(COMBINED, 'default');
    expect(place).toEqual({ escape: 'default', field: 3, fields: 7, side: 'left', beside: '^ ' });
    expect(tally(COMBINED, 'default', [line('503', '\ufffd\udcff'), line('200', 'é')])).toBe('1 2');
  });
});
