import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentText } from '../../../src/engine/agent-text.js';

const shells: [string, string[]][] = [['dash', ['/usr/bin/dash']], ['bash', ['/usr/bin/bash']], ['busybox', ['/usr/bin/busybox', 'ash']]];

describe.each(shells)('looking at slots, in %s', (_name, [shell = '', ...first]) => {
  let root = '';
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-look-')));
    for (const slot of ['blue', 'green']) mkdirSync(join(root, 'slots', slot), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const run = (text: string): string => execFileSync(shell, [...first, '-c', `${agentText('status')}\nBG_ROOT=${root}\n${text}`], { encoding: 'utf8' });
  const conf = (slot: string, port: number) => writeFileSync(join(root, 'slots', slot, 'slot.conf'), `BG_SL_PORT='${port}'\n`);

  test.each([
    ['the settings alone', undefined, undefined, '9501 9502'],
    ["the slots' own", 9601, 9602, '9601 9602'],
    ['one of its own, the other by the settings', 9601, undefined, '9601 9502'],
    ['one that is, by the settings, the other’s', 9502, undefined, '9502 9501'],
    ['the same, the other way round', undefined, 9501, '9502 9501'],
    ['swapped', 9502, 9501, '9502 9501'],
  ])('ports: %s', (_case, blue, green, ports) => {
    if (blue) conf('blue', blue);
    if (green) conf('green', green);
    expect(run('BG_PORTS="9501 9502"; bg_status_ports; printf "%s %s" "$BG_BLUE_PORT" "$BG_GREEN_PORT"')).toBe(ports);
  });

  test("who listens on a slot's socket, and nobody where there is none", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'slots/blue/app.sock'), resolve));
    try {
      const look = 'BG_PORTS="1 2"; bg_status_ports; bg_status_descriptors; for s in blue green; do BG_LISTENER=; bg_listener "$BG_ROOT/slots/$s/app.sock"; bg_status_held "${BG_LISTENER#* }"; printf "|"; done';
      expect(run(look)).toBe(`${process.pid} ||`);
    } finally {
      server.close();
    }
  });
});

test('how long a process runs, without getconf, and its children beside it', async () => {
  const app = spawn('sh', ['-c', 'sleep 60 & sleep 60; :'], { detached: true, stdio: 'ignore' });
  try {
    await sleep(3000);
    const look = `bg_fact() { printf '%s=%s\\n' "$1" "$2"; }; getconf() { return 1; }; _slot=blue BG_SL_SUPERVISOR=process BG_GROUP=${app.pid} _ours=; bg_status_processes`;
    const facts = Object.fromEntries(execFileSync('sh', ['-c', `${agentText('status')}\n${look}`], { encoding: 'utf8' }).trim().split('\n').map((line) => line.split('='))) as Record<string, string>;
    expect(Number(facts['slot.blue.seconds'])).toBeGreaterThanOrEqual(2);
    expect(Number(facts['slot.blue.seconds'])).toBeLessThan(20);
    expect(facts['slot.blue.pids']?.split(' ')).toHaveLength(3);
    expect(facts['slot.blue.pids']?.split(' ')).toContain(String(app.pid));
    expect(facts['slot.blue.uid']).toBe(String(process.getuid?.()));
    expect(Number(facts['slot.blue.memory'])).toBeGreaterThan(50);
  } finally {
    if (app.pid) process.kill(-app.pid, 'SIGKILL');
  }
});

test('the agent of a deploy does not carry it', () => {
  expect(agentText()).not.toContain('bg_status');
});
