import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { DeployError, type Problem } from '../../../src/errors.js';
import type { Facts } from '../../../src/engine/facts.js';
import { reconcileWould } from '../../../src/engine/look.js';
import { readNginx, type NginxFacts } from '../../../src/engine/nginx-facts.js';
import { portsInForce } from '../../../src/engine/slots.js';
import { statusJson, statusOf, statusSentence, type Status } from '../../../src/engine/status.js';
import { harmless } from '../../../src/engine/harmless.js';
import { ago, statusMarkdown, statusText } from '../../../src/engine/status-view.js';
import { afterTwoDeploys, factsOf, ledgerLine, one, settingsOf, sha, two } from './facts.js';

const settings = settingsOf({ command: 'status' });

/** The status as the engine makes it: with nginx's configuration, or why it is not known. */
function status(facts: Facts, more = settings): Status {
  let nginx: NginxFacts | Problem;
  try {
    nginx = readNginx(more, facts, portsInForce(facts, more.ports), 'port');
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    nginx = error.problem;
  }
  return statusOf(more, facts, nginx);
}

/** What the agent of `command: status` adds for a host on which all is well, after two deploys. */
const well = {
  'slot.blue.health': '200',
  'slot.blue.healthy': 'yes',
  'slot.blue.seconds': '3600',
  'slot.blue.pids': '100 101',
  'slot.blue.memory': '82000',
  'slot.blue.uid': '1000',
  'slot.blue.listen': 'port',
  'slot.blue.commit': '1795330800\nAda\nA faster basket',
  'slot.green.commit': '1795244400\nAda\nThe basket',
  'port.9501': '1000 100',
  'nginx.mode': 'reload',
  'nginx.url': 'http://shop.example.com/healthz',
  'nginx.asked': '200',
  'nginx.rounds': '3 0',
};
const looked = (more: Record<string, string | string[]> = {}): Facts => afterTwoDeploys({ ...well, ...more });
const whats = (facts: Facts): string[] => status(facts).drift.map(({ what }) => what);
const standbyRuns = { 'slot.green.alive': 'yes', 'slot.green.healthy': 'yes', 'slot.green.health': '200', 'slot.green.standby': 'yes' };

describe('the status as JSON', () => {
  test('on a host on which all is well', () => {
    const found = status(looked({ ledger: [ledgerLine('deploy', one), '{"broken', JSON.stringify({ ...JSON.parse(ledgerLine('deploy', two)), url: 'https://ci.example/1', steps: [{ ms: 1200 }, { ms: 34 }] })].join('\n') }));
    expect(JSON.parse(statusJson(found))).toEqual({
      version: 1,
      app: 'shop',
      host: 'shop.example.com',
      root: '/srv/shop',
      user: 'deploy',
      time: '2026-11-22T10:15:00Z',
      live: 'blue',
      standby: null,
      run: null,
      slots: {
        blue: {
          release: two,
          commit: { sha: sha('b'), author: 'Ada', subject: 'A faster basket', time: '2026-11-22T07:00:00Z' },
          listen: 'port', port: 9501, socket: null, supervisor: 'process',
          running: true, healthy: true, healthStatus: 200,
          runningSince: '2026-11-22T09:15:00Z', liveSince: '2026-11-21T09:00:00Z',
          memoryBytes: 82000 * 1024, processes: 2, portHeldBy: null,
        },
        green: {
          release: one,
          commit: { sha: sha('c'), author: 'Ada', subject: 'The basket', time: '2026-11-21T07:00:00Z' },
          listen: 'port', port: 9502, socket: null, supervisor: 'process',
          running: false, healthy: null, healthStatus: null, runningSince: null, liveSince: null, memoryBytes: null, processes: null, portHeldBy: null,
        },
      },
      nginx: { mode: 'reload', routesTo: 'blue', status: 200, url: 'http://shop.example.com/healthz', configured: 'blue', problem: null },
      drift: [],
      reconcile: [],
      ledger: [
        { ended: '2026-11-21T09:00:00Z', command: 'deploy', release: one, sha: sha('c'), outcome: 'success', liveRelease: one, actor: 'ada', seconds: null, url: '' },
        { ended: '2026-11-21T09:00:00Z', command: 'deploy', release: two, sha: sha('c'), outcome: 'success', liveRelease: two, actor: 'ada', seconds: 1.23, url: 'https://ci.example/1' },
      ],
    });
    expect(statusJson(found)).not.toContain('\n');
  });

  test('before the first deploy, without a root, without nginx', () => {
    const found = status(factsOf({ 'nginx.status': '127', 'nginx.dump': '', 'nginx.said': 'sudo: /usr/sbin/nginx: command not found' }));
    expect(found).toMatchObject({ live: null, standby: null, drift: [], reconcile: [], ledger: [], nginx: { mode: null, routesTo: null, configured: null } });
    expect(found.nginx.problem).toMatchObject({ what: '`sudo -n /usr/sbin/nginx -T` failed, so the nginx configuration cannot be read', details: expect.stringContaining('command not found') });
    expect(found.slots).toMatchObject({ blue: { release: null, commit: null, port: 9501, running: false, healthy: null }, green: { release: null, port: 9502 } });
    expect(statusSentence(found)).toBe('nothing is live; `sudo -n /usr/sbin/nginx -T` failed, so the nginx configuration cannot be read');
  });

  test('live since: the end of the run that made it live for the last time, not of those that left it so', () => {
    const at = (line: string, ended: string) => JSON.stringify({ ...JSON.parse(line), ended });
    const ledger = [
      at(ledgerLine('deploy', two), '2026-11-18T09:00:00Z'),
      at(ledgerLine('deploy', one), '2026-11-19T09:00:00Z'),
      at(ledgerLine('rollback', two), '2026-11-20T09:00:00Z'),
      at(ledgerLine('deploy', '20261121T000000Z-ddddddd', two, 'failed'), '2026-11-21T09:00:00Z'),
    ].join('\n');
    expect(status(looked({ ledger })).slots.blue.liveSince).toBe('2026-11-20T09:00:00Z');
    expect(status(looked({ ledger: ledgerLine('deploy', one) })).slots.blue.liveSince).toBeNull();
    expect(status(looked({ ledger: ledger.replaceAll('2026-11-20T09:00:00Z', 'yesterday') })).slots.blue.liveSince).toBeNull();
  });

  test('the last ten lines of the ledger', () => {
    const lines = Array.from({ length: 13 }, (_, at) => ledgerLine(`deploy${at}`, two));
    expect(status(looked({ ledger: lines.join('\n') })).ledger.map(({ command }) => command)).toEqual(lines.slice(3).map((_, at) => `deploy${at + 3}`));
  });

  test('a socket: its path, and no word of who has the port', () => {
    const found = status(looked({ 'slot.blue.listen': 'socket', 'port.9501': '33 7', 'port.9501.text': 'user www-data, process 7 (x)' }));
    expect(found.slots.blue).toMatchObject({ listen: 'socket', socket: '/srv/shop/slots/blue/app.sock', portHeldBy: null });
    expect(found.drift).toEqual([]);
  });

  test('ports as they are in force, where a slot was never used', () => {
    const facts = factsOf({ root: 'writable', live: 'slots/green', 'slot.green.release': one, 'slot.green.port': '9501', 'slot.green.alive': 'yes', 'slot.green.healthy': 'yes' });
    expect(status(facts).slots).toMatchObject({ blue: { port: 9502 }, green: { port: 9501 } });
  });

  test('texts of any length and a clock that tells nothing', () => {
    const found = status(looked({ 'slot.blue.commit': `x\n${'a'.repeat(5000)}\n${'😀'.repeat(5000)}`, time: 'Thu Jan 1' }));
    expect(found.slots.blue.commit).toMatchObject({ time: null, author: expect.stringMatching(/^a{99}…$/), subject: expect.stringMatching(/^(😀){499}…$/u) });
    expect(found).toMatchObject({ time: null, slots: { blue: { runningSince: null } } });
    expect(statusText(found)).not.toMatch(/NaN|null|undefined/);
    expect(statusMarkdown(found)).not.toMatch(/NaN|null|undefined/);
  });
});

describe('which slot nginx really sends requests to', () => {
  test.each([
    ['a new connection each time', { 'nginx.rounds': '3 0' }, 'blue'],
    ['one that was seen once is enough: the others came by a pool', { 'nginx.rounds': '0 1', 'nginx.pool': 'blue green ' }, 'green'],
    ['a stranger that looked in once beside it', { 'nginx.rounds': '3 1' }, 'blue'],
    ['both, each time', { 'nginx.rounds': '3 3' }, 'both'],
    ['both, now the one and now the other', { 'nginx.rounds': '1 2' }, 'both'],
    ['a pool alone', { 'nginx.rounds': '0 0', 'nginx.pool': 'green ' }, 'green'],
    ['pools of both', { 'nginx.rounds': '0 0', 'nginx.pool': 'blue green ' }, null],
    ['nothing seen', { 'nginx.rounds': '0 0' }, null],
    ['probes, where nothing was seen', { 'nginx.rounds': '0 0', 'nginx.pool': 'blue ', 'nginx.probe': 'shop shop-green 12\nshop shop-green 12', 'nginx.probe.green': 'shop shop-green 12', 'nginx.probe.blue': 'shop shop-blue 12' }, 'green'],
    ['a probe of another file', { 'nginx.rounds': '0 0', 'nginx.probe': 'shop shop-green 99', 'nginx.probe.green': 'shop shop-green 12', 'nginx.probe.blue': 'shop shop-blue 12' }, null],
    ['one server block that says something else', { 'nginx.rounds': '3 0', 'nginx.probe': 'b\ng', 'nginx.probe.green': 'g', 'nginx.probe.blue': 'b' }, 'both'],
  ])('%s', (_name, facts, routesTo) => {
    expect(status(looked(facts)).nginx.routesTo).toBe(routesTo);
  });
});

describe('drift', () => {
  const nginxNamesGreen = { 'nginx.dump': factsOf({}, 'server 127.0.0.1:9502;').nginx.dump };

  test('none where all is well, with a standby too', () => {
    expect(whats(looked())).toEqual([]);
    const found = status(looked(standbyRuns));
    expect(found).toMatchObject({ standby: 'green', drift: [], reconcile: [] });
    expect(statusText(found)).toContain('green (standby)');
  });

  test("nginx's configuration names another slot", () => {
    expect(whats(looked(nginxNamesGreen))).toEqual(['the upstream shop (/etc/nginx/nginx.conf:3) sends requests to the green slot, but the live slot is blue: somebody changed it by hand']);
  });

  test('nginx runs another configuration than the one on disk', () => {
    const [drift] = status(looked({ 'nginx.rounds': '0 3' })).drift;
    expect(drift).toEqual({ what: 'nginx really sends requests to the green slot, but the live slot is blue', next: expect.stringContaining('reload nginx') });
    expect(status(looked({ 'nginx.rounds': '0 3', 'nginx.mode': 'instant' })).drift[0]?.next).toContain('command: setup');
    expect(whats(looked({ 'nginx.rounds': '3 3' }))).toEqual(['nginx really sends requests to both slots, but the live slot is blue']);
    expect(whats(looked({ 'nginx.rounds': '0 3', ...nginxNamesGreen }))).toHaveLength(2);
  });

  test('nginx does not answer, or answers with an error of its own', () => {
    expect(whats(looked({ 'nginx.asked': '000', 'nginx.rounds': '0 0' }))).toEqual(['nginx does not answer: http://shop.example.com/healthz']);
    expect(whats(looked({ 'nginx.asked': '502', 'nginx.rounds': '0 0' }))).toEqual(['nginx answers 502, though the live slot, blue, is healthy: http://shop.example.com/healthz']);
    // A redirect or a password is as it was when the deploy asked.
    expect(whats(looked({ 'nginx.asked': '401' }))).toEqual([]);
  });

  test('the live app does not run: what the next run makes of it', () => {
    const dead = { 'slot.blue.alive': '', 'slot.blue.healthy': '', 'slot.blue.health': '', 'port.9501': '', 'nginx.rounds': '0 0', 'nginx.asked': '502' };
    expect(status(looked(dead)).drift).toEqual([{ what: 'the live slot, blue, does not run', next: 'Look at /srv/shop/slots/blue/app.log. A deploy or a rollback brings the site back.' }]);
    const adopted = status(looked({ ...dead, ...standbyRuns }));
    expect(adopted.drift[0]?.next).toContain('makes green live');
    expect(adopted.reconcile).toEqual(['make green live: the live slot blue is dead, and green is healthy']);
    // A stranger on its port is not the slot, however healthy.
    expect(reconcileWould(looked({ ...dead, 'slot.green.healthy': 'yes' }))).toEqual([]);
  });

  test('the live app runs and is not healthy', () => {
    expect(whats(looked({ 'slot.blue.healthy': '', 'slot.blue.health': '503' }))).toEqual(['the live slot, blue, is not healthy: it answers 503']);
    expect(whats(looked({ 'slot.blue.healthy': '', 'slot.blue.health': '000' }))).toEqual(['the live slot, blue, is not healthy: it does not answer']);
  });

  test('both run, and the other is no standby', () => {
    const facts = looked({ ...standbyRuns, 'slot.green.standby': '' });
    expect(whats(facts)).toEqual(['both slots run, and green is not a standby']);
    expect(reconcileWould(facts)).toEqual(['stop the green slot, which runs without being live']);
    expect(reconcileWould(looked(standbyRuns))).toEqual([]);
    // What is live is no standby, whatever a marker says.
    expect(status(looked({ 'slot.blue.standby': 'yes' })).standby).toBeNull();
  });

  test('one runs though nothing is live', () => {
    const facts = looked({ live: '', ledger: '' });
    expect(whats(facts)).toEqual(['the blue slot runs, but nothing is live']);
    expect(reconcileWould(facts)).toEqual(['stop the blue slot, which runs without being live']);
  });

  test("a slot's port is held by somebody else", () => {
    const who = 'user www-data, process 7 (old-app)';
    const held = (holder: string, more = {}) => whats(looked({ 'port.9502': holder, 'port.9502.text': who, ...more }));
    expect(held('33 7')).toEqual([`port 9502 of the green slot is held by ${who}, which bluegreen did not start`]);
    // Beside the slot's own app, which runs without having got its port.
    const runs = { ...standbyRuns, 'slot.green.pids': '200 201', 'slot.green.uid': '1000' };
    expect(held('33 7', runs)).toHaveLength(1);
    expect(held('1000 201', runs)).toEqual([]);
    // Of somebody else's processes only their user is seen.
    expect(held('1000', runs)).toEqual([]);
    expect(held('33', runs)).toHaveLength(1);
    expect(held('33', { ...runs, 'slot.green.uid': '' })).toEqual([]);
    expect(held('33 7', { ...runs, 'slot.green.supervisor': 'command' })).toEqual([]);
    expect(status(looked({ 'port.9502': '33 7' })).slots.green.portHeldBy).toBe('user id 33');
  });

  test('the app that served before the first deploy is shown, and is no drift', () => {
    const found = status(factsOf({ 'port.9501': '33 7', 'port.9501.text': 'user www-data, process 7 (old-app)' }));
    expect(found.slots.blue.portHeldBy).toBe('user www-data, process 7 (old-app)');
    expect(found.drift).toEqual([]);
  });

  test('an interrupted switch: it alone, not what it left in the file', () => {
    const found = status(looked({ intent: 'yes', ...nginxNamesGreen }));
    expect(found.drift).toEqual([{ what: 'a switch was interrupted', next: expect.stringContaining('makes nginx match the live slot, blue') }]);
    expect(found.reconcile).toEqual(['end a switch that was interrupted: nginx is made to match blue']);
  });

  test('a run that is under way explains two slots that run and a switch that is not over', () => {
    const run = 'deploy of 1a2b3c4 by ada https://github.com/acme/shop/actions/runs/1, since 2026-11-22T10:14:58Z';
    const found = status(looked({ ...standbyRuns, 'slot.green.standby': '', intent: 'yes', 'nginx.rounds': '0 3', ...nginxNamesGreen, run: `${run} `, unfinished: 'x' }));
    expect(found).toMatchObject({ run, drift: [], reconcile: [] });
    expect(statusText(found)).toContain(`under way: ${run}`);
    expect(statusText(found)).not.toContain('is as `live` says');
    expect(whats(looked({ run, ...nginxNamesGreen }))).toHaveLength(1);
  });

  test('`live` that is no link of ours, or leads to nothing', () => {
    expect(whats(looked({ live: '../elsewhere', 'slot.blue.alive': '' }))).toEqual(['/srv/shop/live leads to ../elsewhere, which is not slots/blue or slots/green']);
    expect(reconcileWould(looked({ live: '../elsewhere' }))).toEqual(['stop and say that `live` is not a link to slots/blue or slots/green']);
    expect(whats(factsOf({ 'live.other': 'yes' }))).toEqual(['/srv/shop/live is not a link']);
    expect(reconcileWould(factsOf({ 'live.other': 'yes' }))).toHaveLength(1);
    expect(whats(factsOf({ live: 'slots/blue' }))).toEqual(['/srv/shop/live leads to the slot blue, in which nothing was ever started']);
  });

  test('a root that this user may not look into', () => {
    expect(whats(factsOf({ root: 'readable', 'root.closed': 'yes' }))).toEqual(['the user deploy may not look into /srv/shop']);
  });

  test('all that is found stands in the sentence, the first in full', () => {
    const found = status(looked({ intent: 'yes', 'slot.blue.healthy': '', 'slot.blue.health': '503' }));
    expect(statusSentence(found)).toBe(`release ${two} is live on blue; a switch was interrupted (and 1 more)`);
    expect(statusSentence(status(looked()))).toBe(`release ${two} is live on blue`);
  });
});

describe('the renderings', () => {
  test('in the log: aligned columns', () => {
    expect(statusText(status(looked(standbyRuns)))).toBe(`shop on shop.example.com, /srv/shop, 2026-11-22 10:15:00 UTC

            blue (live)               green (standby)
release     20261121T090000Z-bbbbbbb  20261120T090000Z-ccccccc
commit      bbbbbbb A faster basket   ccccccc The basket
author      Ada, 3 h ago              Ada, 27 h ago
live for    25 h
state       healthy (200)             healthy (200)
runs for    60 min
memory      84 MB in 2 processes
listens on  port 9501                 port 9502
supervisor  process                   process

nginx sends requests to blue: 200 from http://shop.example.com/healthz (switch: reload; its configuration names blue)

/srv/shop is as \`live\` says

ended                    command  release                   outcome  took  by
2026-11-21 09:00:00 UTC  deploy   20261120T090000Z-ccccccc  success        ada
2026-11-21 09:00:00 UTC  deploy   20261121T090000Z-bbbbbbb  success        ada`);
  });

  test('in the summary: a table of the slots and one of the runs', () => {
    const text = statusMarkdown(status(looked({ 'slot.blue.healthy': '', 'slot.blue.health': '503' })));
    expect(text).toContain('|  | blue (live) | green |\n| --- | --- | --- |\n| release | 20261121T090000Z-bbbbbbb | 20261120T090000Z-ccccccc |');
    expect(text).toContain('| state | runs, not healthy (503) | does not run |');
    expect(text).toContain('Not as it should be:\n- **the live slot, blue, is not healthy: it answers 503.** Look at /srv/shop/slots/blue/app.log. Then deploy again or roll back.');
    expect(text).not.toContain('is as `live` says');
    expect(statusMarkdown(status(looked()))).toContain('/srv/shop is as `live` says.');
  });

  test('what nginx says of its configuration is shown, and its own fences do not end the block', () => {
    const said = 'nginx: [emerg] unknown directive "```" in /etc/nginx/nginx.conf:3';
    const found = status(looked({ 'nginx.status': '1', 'nginx.dump': '', 'nginx.said': `${said}\n::error::x` }));
    expect(found).toMatchObject({ live: 'blue', nginx: { configured: null, routesTo: 'blue', problem: { details: `${said}\n::error::x` } } });
    expect(statusText(found)).toContain(`  ${said}\n  ::error::x`);
    expect(statusMarkdown(found)).toContain(`\`\`\`\`text\n${said}\n::error::x\n\`\`\`\``);
    expect(statusSentence(found)).toContain('is live on blue; `sudo -n /usr/sbin/nginx -T` failed');
  });

  const hostile = '::set-output name=x::y \x1b[31mred\x1b]0;title\x07 | `a` | <script>alert(1)</script> <!-- [x](http://e) \\| $a$ **b** ##[error]z \u202egnp \u2028::add-mask::q \ud800 \x00\x9b2J';

  test('hostile texts: no control character, no escape sequence, nothing that turns the text', () => {
    expect(harmless(hostile)).toBe('::set-output name=x::y red | `a` | <script>alert(1)</script> <!-- [x](http://e) \\| $a$ **b** ##[error]z gnp ::add-mask::q \ufffd 2J');
    const found = status(looked({ 'slot.blue.commit': `1795330800\n${hostile}\n${hostile}`, 'slot.green.commit': `1\r\n\u0085\n${hostile}`, run: hostile, 'port.9502': '33 7', 'port.9502.text': hostile, 'nginx.url': hostile }));
    const text = statusText(found);
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
    expect(text.split('\n').filter((line) => line.trimStart().startsWith('::'))).toEqual([]);
    expect(JSON.parse(statusJson(found))).toEqual(JSON.parse(JSON.stringify(found)));
  });

  test('hostile texts: every row of the tables keeps its columns, and nothing is markup', () => {
    const ledger = JSON.stringify({ ...JSON.parse(ledgerLine('deploy', two)), actor: hostile, outcome: hostile, command: hostile, release: `${hostile}\n|\n` });
    const text = statusMarkdown(status(looked({ 'slot.blue.commit': `1795330800\n${hostile}\n${hostile}`, ledger })));
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    const columns = (row: string) => row.replace(/\\[!-/:-@[-`{-~]/g, '').split('|').length - 2;
    expect(rows.filter((row) => row.includes('set-output')).length).toBe(3);
    expect([...new Set(rows.map(columns))].sort()).toEqual([3, 6]);
    const shown = text.replace(/\\[!-/:-@[-`{-~]/g, '').replaceAll('is as `live` says', '').replaceAll('<br>', '');
    expect(shown.match(/[<>`*[\]]/g)).toBeNull();
  });

  test('columns stay aligned beside letters that are twice as wide, and long texts are cut', () => {
    const text = statusText(status(looked({ 'slot.blue.commit': `1795330800\n名前\n${'買い物かご'.repeat(20)}` })));
    const wide = (line: string) => [...line].reduce((sum, one) => sum + (/[\u3000-\u9fff]/.test(one) ? 2 : 1), 0);
    const at = (start: string, of: string) => {
      const line = text.split('\n').find((one) => one.startsWith(start)) ?? '';
      return wide(line.slice(0, line.indexOf(of)));
    };
    expect(at('commit', 'ccccccc')).toBe(at('release', one));
    expect(at('author', 'Ada')).toBe(at('release', one));
    expect(at('commit', 'ccccccc')).toBeLessThanOrEqual(12 + 52 + 2);
  });

  test.each([
    ['2026-11-22T10:14:57Z', '3 s ago'],
    ['2026-11-22T10:20:00Z', '0 s ago'],
    ['2026-11-22T10:10:00Z', '5 min ago'],
    ['2026-11-22T07:15:00Z', '3 h ago'],
    ['2026-11-12T10:15:00Z', '10 d ago'],
    [null, ''],
  ])('the age of %s', (then, text) => {
    expect(ago('2026-11-22T10:15:00Z', then)).toBe(text);
  });
});

describe('docs/status.md', () => {
  const docs = readFileSync(new URL('../../../docs/status.md', import.meta.url), 'utf8');
  const block = (language: string) => new RegExp(`\n\`\`\`${language}\n([^]*?)\n\`\`\``).exec(docs)?.[1] ?? '';
  const example = JSON.parse(block('json')) as Status;

  const keys = (value: unknown): unknown =>
    Array.isArray(value) ? value.slice(0, 1).map(keys) : typeof value === 'object' && value !== null ? Object.entries(value).map(([name, inner]) => [name, keys(inner)]) : '';

  test('its JSON has the fields that there are, in their order', () => {
    expect(keys(example)).toEqual(keys(JSON.parse(statusJson(status(looked())))));
  });

  test('its table is that of its JSON', () => {
    expect(block('')).toBe(`✓ shop: ${statusSentence(example)}. (0.5 s)\n\n${statusText(example)}`);
  });
});
