import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { accessLogs } from '../../src/nginx/access-log.js';
import { readConfig } from '../../src/nginx/config.js';
import { freePorts, siteConfig, startNginx } from '../../testbed/nginx.mjs';
import { until } from '../../testbed/processes.mjs';

jest.setTimeout(60_000);

const bake = readFileSync(fileURLToPath(new URL('../../src/engine/steps/bake.sh', import.meta.url)), 'utf8');

const formats: Record<string, string> = {
  named: `'$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" $request_time'`,
  json: `escape=json '{"ua":"$http_user_agent","user":"$remote_user","request":"$request","status":"$status","referer":"$http_referer"}'`,
  bare: `escape=json '{ "request": "$request", "status": $status, "ua": "$http_user_agent" }'`,
  early: `'$remote_addr - $remote_user [$time_local] $status "$request" "$http_user_agent"'`,
  tabs: `'$http_user_agent\t$remote_user\t$status\t$request'`,
  middle: `'"$request" $upstream_response_time $request_time $status $body_bytes_sent "$http_referer"'`,
  unescaped: `escape=none '[$time_local] $remote_addr $status $body_bytes_sent'`,
};

// What a visitor may send in a header; nginx takes tabs and bytes beyond ASCII there, and refuses control characters.
const texts = ['plain', '" 500 1 "', '\\" 500 1 \\"', '\\', '","status":"500"', '\t500\t', "] 500 \"GET", 'a "b" c', '} 502 {', '\xe9\xff" 500', "' 500 '", '\\\\" 500 5'];

describe('what nginx itself writes is counted right, whatever visitors send', () => {
  let dir = '';
  let port = 0;
  let nginx: Awaited<ReturnType<typeof startNginx>>;
  const sent = { bad: 0, all: 0 };

  beforeAll(async () => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-logs-')));
    [port = 0] = await freePorts(1);
    const http = Object.entries(formats).map(([name, text]) => `log_format ${name} ${text};`).join('\n');
    const logs = ['access_log logs/combined.log;', ...Object.keys(formats).map((name) => `access_log logs/${name}.log ${name};`)].join('\n');
    // The app's port is nobody's: what is passed on is a 502 of nginx's own.
    const site = `${logs}\nlocation / { proxy_pass http://shop; }\nlocation /good { return 200 good; }\nlocation /gone { return 404; }`;
    nginx = await startNginx({ dir, config: siteConfig({ port, app: 'shop', server: 'server 127.0.0.1:1;', http, site }) });
    for (const text of texts) {
      for (const [path, status] of [['/good', 200], ['/gone"500"', 404], ['/app?a="500"', 502]] as const) {
        expect(await ask(path, text)).toBe(status);
        sent.all++;
        if (status >= 500) sent.bad++;
      }
    }
    // And what nginx cannot even read.
    expect(await raw('\x16\x03\x01 500 "\r\n\r\n')).toContain('400');
    sent.all++;
  });
  afterAll(async () => {
    await nginx?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let all = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
      socket.setEncoding('latin1').on('data', (data) => (all += String(data)));
      socket.on('close', () => resolve(all)).on('error', () => {});
    });
  const ask = async (path: string, text: string): Promise<number> => {
    const user = Buffer.from(`${text}:x`, 'latin1').toString('base64');
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\nUser-Agent: ${text}\r\nReferer: ${text}\r\nX-Forwarded-For: ${text}\r\nAuthorization: Basic ${user}\r\n\r\n`);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
  };

  test.each(['combined', ...Object.keys(formats)])('%s', async (name) => {
    const dump = spawnSync('sh', ['-c', `${nginx.command} -T`], { encoding: 'utf8' }).stdout;
    const { counted, uncounted } = accessLogs(readConfig(dump), { upstreams: ['shop'], nginxV: `configure arguments: --prefix=${dir}/` });
    expect(uncounted).toEqual([]);
    const log = counted.find(({ path }) => path === `${dir}/logs/${name}.log`);
    expect(log?.shared).toBe(false);
    const { escape, field, fields, side, beside } = log?.status ?? {};
    await until(() => readFileSync(log?.path ?? '', 'latin1').split('\n').length > sent.all, 'nginx wrote all lines');
    const script = `${bake}\nBG_BL_ESCAPE=$1 BG_BL_FIELD=$2 BG_BL_FIELDS=$3 BG_BL_SIDE=$4 BG_BL_BESIDE=$5\nbg_bake_tally <"$6"`;
    const tally = spawnSync('sh', ['-c', script, 'sh', ...[escape, field, fields, side, beside, log?.path].map(String)], { encoding: 'utf8' });
    expect(tally.stdout.trim()).toBe(`${sent.bad} ${sent.all}`);
  });
});
