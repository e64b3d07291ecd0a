import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { makePlan } from '../../../src/engine/plan.js';
import { afterTwoDeploys, factsOf, ledgerLine, one, run, settingsOf, sha, two } from './facts.js';

const names = (settings: Record<string, string>, facts = factsOf()) => makePlan(settingsOf(settings), facts, run).steps.map(({ name }) => name);

describe('the plan is a pure function of settings and facts', () => {
  test('the steps of a first deploy: nothing to drain or stop', () => {
    expect(names({})).toEqual(['clone', 'start', 'health', 'switch', 'verify', 'prune']);
  });

  test('the steps of a later one, with all commands', () => {
    const all = { install: 'npm ci', 'before-switch': 'npm run migrate', 'after-switch': 'echo done' };
    expect(names(all, afterTwoDeploys())).toEqual(['clone', 'install', 'start', 'health', 'before-switch', 'switch', 'verify', 'after-switch', 'drain', 'stop', 'prune']);
  });

  test('the steps of a rollback', () => {
    expect(names({ command: 'rollback' }, afterTwoDeploys())).toEqual(['start', 'health', 'switch', 'verify', 'drain', 'stop', 'prune']);
  });

  test('with bake: right after verify, on a rollback too, and within its own time', () => {
    const all = { bake: '30s', 'after-switch': 'true' };
    expect(names(all, afterTwoDeploys())).toEqual(['clone', 'start', 'health', 'switch', 'verify', 'bake', 'after-switch', 'drain', 'stop', 'prune']);
    expect(names({ command: 'rollback', bake: '1s' }, afterTwoDeploys())).toContain('bake');
    const { steps } = makePlan(settingsOf({ ...all, 'step-timeout': '1s' }), afterTwoDeploys(), run);
    expect(steps.find(({ name }) => name === 'bake')).toMatchObject({ limitMs: 90_000, onFailure: 'back', does: expect.stringContaining('for 30 s') });
  });

  test('a bake that fails switches back, unless there is nothing to switch back to', () => {
    const how = (facts: ReturnType<typeof factsOf>) => makePlan(settingsOf({ bake: '30s' }), facts, run).steps.find(({ name }) => name === 'bake');
    expect(how(factsOf())).toMatchObject({ onFailure: 'stay', does: expect.stringContaining('there is nothing to switch back to') });
    // An app that somebody else started serves there until now.
    expect(how(factsOf({ 'listener.9501': 'yes' }))).toMatchObject({ onFailure: 'back', does: expect.stringContaining('switch back if that goes badly') });
  });

  test('what is not counted is in the plan, too', () => {
    const dump = factsOf().nginx.dump.replace('http {', 'http { access_log syslog:server=10.0.0.1;');
    const bake = makePlan(settingsOf({ bake: '30s' }), afterTwoDeploys({ 'nginx.dump': dump }), run).steps.find(({ name }) => name === 'bake');
    expect(bake?.does).toBe('ask through nginx once a second for 30 s; not counted: the access log at /etc/nginx/nginx.conf:2 goes to syslog; switch back if that goes badly');
  });

  test('the access log to count: known to the switch too, as data', () => {
    const path = `/var/log/it's \`id\` ; touch x.log`;
    const dump = factsOf().nginx.dump.replace('http {', `http { access_log "${path}";`);
    const { steps } = makePlan(settingsOf({ bake: '30s', 'bake-errors': '0.05%' }), factsOf({ 'nginx.dump': dump }), run);
    for (const name of ['switch', 'bake']) {
      const script = steps.find((step) => step.name === name)?.script ?? '';
      const shell = spawnSync('sh', ['-c', `bg_bake_log() { printf '%s|' "$@"; }\n${script.replace(/bg_step_\w+$/, '')}eval "$BG_BAKE_LOGS"; printf %s "$BG_BAKE_LIMIT"`], { encoding: 'utf8' });
      expect(shell).toMatchObject({ stdout: `${path}|default|3|7|left|^ ||${name === 'bake' ? 50 : ''}`, stderr: '' });
    }
    expect(makePlan(settingsOf(), factsOf({ 'nginx.dump': dump }), run).script).not.toContain('BG_BAKE');
  });

  test('nginx of another version than at the last switch: what it can do about keep-alive requests is said, once', () => {
    const notices = (version: string, before: string) => makePlan(settingsOf(), afterTwoDeploys({ 'nginx.version': `nginx version: nginx/${version}\n`, 'nginx.before': before }), run);
    expect(notices('1.29.1', '1.28.0').notices).toEqual([expect.stringContaining('keepalive_min_timeout')]);
    expect(notices('1.29.1', '1.29.1').notices).toEqual([]);
    expect(notices('1.29.1', '').script).toContain('BG_NG_VERSION=1.29.1');
  });

  test('the idle slot and its port, the release by the host’s clock', () => {
    const { target, previousRelease } = makePlan(settingsOf(), afterTwoDeploys(), run);
    expect(target).toMatchObject({ release: '20261122T101500Z-aaaaaaa', slot: 'green', port: 9502, oldSlot: 'blue', oldPort: 9501, live: 'blue', address: '127.0.0.1' });
    expect(previousRelease).toBe(two);
  });

  test('a first deploy takes the slot that nginx does not use', () => {
    expect(makePlan(settingsOf(), factsOf({}, 'server 127.0.0.1:9501;'), run).target.slot).toBe('green');
    expect(makePlan(settingsOf(), factsOf({}, 'server 127.0.0.1:9502;'), run).target.slot).toBe('blue');
    expect(makePlan(settingsOf(), factsOf({}, 'server 127.0.0.1:9501; server 127.0.0.1:9502;'), run).target.slot).toBe('blue');
    expect(makePlan(settingsOf(), factsOf({ 'listener.9501': 'user x' }, 'server 127.0.0.1:9501; server 127.0.0.1:9502;'), run).target.slot).toBe('green');
  });

  test('ports swapped or changed in the settings: the live slot keeps the port that it runs on', () => {
    expect(makePlan(settingsOf({ ports: '9502,9501' }), afterTwoDeploys(), run).target).toMatchObject({ slot: 'green', port: 9502, oldPort: 9501 });
    expect(makePlan(settingsOf({ ports: '9601,9602' }), afterTwoDeploys(), run).target).toMatchObject({ slot: 'green', port: 9602, oldPort: 9501 });
  });

  test('secrets are not in it: scripts only name variables', () => {
    const secret = 'tok-SECRET-123';
    const plan = makePlan(settingsOf({ env: `A=${secret}`, 'repository-token': `ghp_${secret}`, passphrase: secret, install: 'true', 'after-switch': 'true' }), afterTwoDeploys(), run);
    expect(JSON.stringify(plan)).not.toContain(secret);
  });

  test('text from settings reaches the shell as data', () => {
    const evil = `'; touch /tmp/bluegreen-evil; echo '$(id)\`id\`\\`;
    const plan = makePlan(settingsOf({ install: evil, 'health-host': 'a.example', 'nginx-command': `nginx ${evil}` }), factsOf({ 'nginx.command': `nginx ${evil}` }), run);
    const print = 'bg_plan_step() { [ "$1" != install ] || { eval "${5%bg_step_install}"; printf %s "$BG_INSTALL"; }; }';
    const shell = spawnSync('sh', ['-c', `${print}\n${plan.script}\neval "$BG_PLAN_TEXT"\nprintf '|%s' "$BG_NG_COMMAND"`], { encoding: 'utf8' });
    expect(shell.stdout).toBe(`${evil}|nginx ${evil}`);
    expect(shell.stderr).toBe('');
  });

  test('each step has a time limit, and the switch and what follows cannot be aborted by a failure of theirs', () => {
    const { steps } = makePlan(settingsOf({ 'after-switch': 'true' }), afterTwoDeploys(), run);
    expect(steps.every(({ limitMs }) => limitMs > 0)).toBe(true);
    expect(Object.fromEntries(steps.map(({ name, onFailure }) => [name, onFailure]))).toEqual({
      clone: 'stop', start: 'stop', health: 'stop', switch: 'back', verify: 'back', 'after-switch': 'warn', drain: 'back', stop: 'warn', prune: 'warn',
    });
  });

  test('an ancestor of what is live is skipped, the same commit is not', () => {
    expect(makePlan(settingsOf(), afterTwoDeploys({ ancestor: 'yes' }), run)).toMatchObject({ steps: [], skip: expect.stringContaining('allow-older') });
    expect(makePlan(settingsOf({ 'allow-older': 'true' }), afterTwoDeploys({ ancestor: 'yes' }), run).skip).toBe('');
    expect(makePlan(settingsOf(), afterTwoDeploys({ ancestor: 'yes', 'slot.blue.sha': sha('a') }), run).skip).toBe('');
  });
});

describe('what is refused before anything is done', () => {
  const refusal = (settings: Record<string, string>, facts: ReturnType<typeof factsOf>): string => {
    try {
      makePlan(settingsOf(settings), facts, run);
    } catch (error) {
      const { problem } = error as { problem: { what: string; next: string } };
      return `${problem.what}\n${problem.next}`;
    }
    return '';
  };

  test('a host that lacks a program', () => {
    expect(refusal({}, factsOf({ tools: 'git awk sed' }))).toContain('the host lacks flock, setsid, curl (or wget)');
  });

  test('a disk that is nearly full', () => {
    expect(refusal({}, factsOf({ disk: '1000 4096 900000' }))).toContain('a deploy needs 50 MiB and 5000 inodes, 3 MiB and 900000 are free');
    expect(refusal({}, factsOf({ disk: '900000 4096 4999' }))).toContain('a deploy needs 50 MiB and 5000 inodes, 3515 MiB and 4999 are free');
    expect(refusal({}, factsOf({ disk: '30000 4096 900000', size: '102400 20000' }))).toContain(
      'a deploy needs 160 MiB and 27000 inodes, 117 MiB and 900000 are free; the last release took 100 MiB and 20000 inodes',
    );
    expect(() => makePlan(settingsOf(), factsOf({ disk: '50000 4096 900000', size: '102400 20000' }), run)).not.toThrow();
  });

  test('a rollback needs next to nothing', () => {
    const full = afterTwoDeploys({ disk: '300 4096 200', size: '102400 20000' });
    expect(() => makePlan(settingsOf({ command: 'rollback' }), full, run)).not.toThrow();
    expect(refusal({ command: 'rollback' }, afterTwoDeploys({ disk: '200 4096 200' }))).toContain('a rollback needs 1 MiB and 100 inodes, 0 MiB and 200 are free');
  });

  test('nginx that cannot be asked: the sudoers line, with exactly three commands', () => {
    const text = refusal({}, factsOf({ 'nginx.status': '1', 'nginx.dump': '', 'nginx.said': 'sudo: a password is required' }));
    expect(text).toContain('deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -T, /usr/sbin/nginx -t, /usr/sbin/nginx -s reload');
  });

  test('nginx that does not run', () => {
    expect(refusal({}, factsOf({ 'nginx.running': '' }))).toContain('nginx is not running');
  });

  test("an upstream in a file that the user cannot write: the lines to give it one", () => {
    const text = refusal({}, factsOf({ 'nginx.files': '/etc/nginx/nginx.conf\t/etc/nginx/nginx.conf\tno\t1 2' }));
    expect(text).toContain('command: setup');
    expect(text).toContain('install -d -o deploy /etc/nginx/shop');
    expect(text).toContain('include /etc/nginx/shop/servers.conf;');
    const reload = refusal({ switch: 'reload' }, factsOf({ 'nginx.files': '/etc/nginx/nginx.conf\t/etc/nginx/nginx.conf\tno\t1 2' }));
    expect(reload).not.toContain('command: setup');
    expect(reload).toContain('Give its server lines a file');
  });

  test('another way to a slot’s port', () => {
    const dump = factsOf().nginx.dump.replace('location / {', 'location /old { proxy_pass http://127.0.0.1:9502; } location / {');
    expect(refusal({}, factsOf({ 'nginx.dump': dump }))).toContain('/etc/nginx/nginx.conf:4');
  });

  test('nginx and `live` that disagree', () => {
    expect(refusal({}, afterTwoDeploys({ 'nginx.dump': factsOf({}, 'server 127.0.0.1:9502;').nginx.dump }))).toContain('somebody changed it by hand');
  });

  test('a ref that is not there', () => {
    expect(refusal({ ref: 'nope' }, factsOf({ commit: '' }))).toContain('no branch, tag or commit nope');
  });

  test('TLS only, and no curl', () => {
    const dump = factsOf().nginx.dump.replace('listen 80;', 'listen 443 ssl;');
    expect(refusal({}, factsOf({ 'nginx.dump': dump, tools: 'git flock setsid wget awk sed' }))).toContain('needs curl');
  });

  test('a rollback target that was never live, is live, or is not there', () => {
    expect(refusal({ command: 'rollback', release: two }, afterTwoDeploys())).toContain('is live already');
    expect(refusal({ command: 'rollback', release: '20200101T000000Z-1234567' }, afterTwoDeploys())).toContain('is not on the host');
    expect(refusal({ command: 'rollback', release: one }, afterTwoDeploys({ ledger: ledgerLine('deploy', one, two, 'failed') }))).toContain('never was live');
  });
});
