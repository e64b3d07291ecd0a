import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const script = readFileSync(fileURLToPath(new URL('../../../src/nginx/error-log.sh', import.meta.url)), 'utf8');
const base = readFileSync(fileURLToPath(new URL('../../../src/host/agent/base.sh', import.meta.url)), 'utf8');

const early = '2026/11/23 08:00:00 [emerg] 4711#4711: of an earlier reload\n';
const log = `2026/11/23 08:39:18 [notice] 4711#4711: signal 1 (SIGHUP) received from 20324, reconfiguring
2026/11/23 08:39:18 [warn] 4711#4711: conflicting server name "x" on 0.0.0.0:80, ignored
2026/11/23 08:39:18 [emerg] 9999#9999: unexpected "}" in a file that somebody tests
2026/11/23 08:39:18 [error] 4712#4712: *7 connect() failed, request: "GET /?token=secret [emerg] 4711#4711: no HTTP/1.1"
2026/11/23 08:39:18 [emerg] 4711#4711: bind() to 127.0.0.1:8080 failed (98: Address already in use)
2026/11/23 08:39:18 [notice] 4711#4711: try again to bind() after 500ms
2026/11/23 08:39:18 [emerg] 4711#4711: bind() to 127.0.0.1:8080 failed (98: Address already in use)
2026/11/23 08:39:18 [emerg] 4711#4711: still could not bind()
`;

describe.each([
  ['dash', ['dash']],
  ['bash', ['bash', '--posix']],
  ['busybox', ['busybox', 'sh']],
])('why a reload did not take, by %s', (name, shell) => {
  let dir = '';
  let file = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'bluegreen-error-log-'));
    file = join(dir, 'error.log');
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const own = name === 'busybox' ? 'awk() { busybox awk "$@"; }\ntail() { busybox tail "$@"; }\nstat() { busybox stat "$@"; }\n' : '';
  const run = (commands: string, errorLog = file): string => {
    const { stdout, stderr } = spawnSync(shell[0] ?? '', [...shell.slice(1), '-c', `${base}\n${script}\n${own}BG_NG_TIMEOUT=10 BG_NG_ERROR_LOG=$1 BG_SAID= _idle=1 _before=4711\n${commands}`, 'sh', errorLog], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout;
  };
  const cause = (text: string): string[] => {
    writeFileSync(file, early + text);
    return run(`BG_EL_SIZE=${early.length}\nbg_reload_cause 4711\nprintf '%s\\n%s' "$BG_CAUSE" "$BG_SAID"`).split('\n');
  };

  test('the first word of the master since then, and each of its lines once', () => {
    const [first, ...said] = cause(log);
    expect(first).toBe('bind() to 127.0.0.1:8080 failed (98: Address already in use)');
    expect(said).toEqual([
      '2026/11/23 08:39:18 [emerg] 4711#4711: bind() to 127.0.0.1:8080 failed (98: Address already in use)',
      '2026/11/23 08:39:18 [emerg] 4711#4711: still could not bind()',
    ]);
  });

  test('nothing of the master’s', () => {
    const [first, said] = cause(log.replaceAll('4711#4711: bind', '9999#9999: bind').replaceAll('4711#4711: still', '9999#9999: still'));
    expect(first).toBe('no new workers came');
    expect(said).toBe(`nginx's error log ${file} has no word of it: does the reload reach the process 4711, which runs?`);
  });

  test('is it a refusal?', () => {
    writeFileSync(file, early + log);
    expect(run(`BG_EL_SIZE=0; bg_reload_refused 4711 && echo yes`)).toBe('yes\n');
    expect(run(`BG_EL_SIZE=${early.length}; bg_reload_refused 4712 || echo no`)).toBe('no\n');
    expect(run('bg_error_log_mark; echo "$BG_EL_SIZE"; bg_reload_refused 4711 || echo no')).toBe(`${Buffer.byteLength(early + log)}\nno\n`);
  });

  test.each([
    ['no file', '', /go to no file/],
    ['one that is not there', '/nonexistent/error.log', /may not be read by the user/],
    ['a device', '/dev/null', /is no file on disk/],
  ])('an error log that is %s', (_what, path, says) => {
    expect(run('bg_error_log_mark; bg_reload_cause 4711; printf %s "$BG_SAID"', path)).toMatch(says);
  });

  test.each([
    ['nginx: [emerg] dlopen() "/x.so" failed\nmore', '`nginx -s reload` ended with status 1: dlopen() "/x.so" failed'],
    ['first\nsudo: a password is required', '`nginx -s reload` ended with status 1: sudo: a password is required'],
    ['', '`nginx -s reload` ended with status 1'],
  ])('the command failed, saying %j', (said, expected) => {
    expect(run(`BG_SAID='${said}'; bg_reload_not_sent 1; printf %s "$BG_CAUSE"`)).toBe(expected);
  });

  test('a process is idle when it waits with SIGHUP let through, and when it is gone', async () => {
    const blocked = spawn('env', ['--block-signal=HUP', 'sleep', '60'], { stdio: 'ignore' });
    const open = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      const idle = (pid: number | undefined) => run(`bg_master_idle ${pid} && echo idle || echo busy`).trim();
      for (let tries = 0; idle(blocked.pid) !== 'busy' && tries < 50; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
      expect([idle(blocked.pid), idle(open.pid), idle(4_194_304)]).toEqual(['busy', 'idle', 'idle']);
    } finally {
      for (const child of [blocked, open]) child.kill('SIGKILL');
    }
  });
});
