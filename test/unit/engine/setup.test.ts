import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { makeSetup } from '../../../src/engine/setup.js';
import { afterTwoDeploys, factsOf, settingsOf } from './facts.js';
import { refusal } from '../nginx/samples.js';

const asRoot = { uid: '0', user: 'root', 'nginx.command': 'nginx' };
const setup = (known: Record<string, string> = {}, inputs: Record<string, string> = {}, server = 'server 127.0.0.1:9501;') =>
  makeSetup(settingsOf({ command: 'setup', start: '', ref: '', ...inputs }), factsOf({ ...asRoot, ...known }, server));
/** What a shell makes of the step's script: each call of its functions, in a line. */
const calls = (script: string) => {
  const print = `bg_plan_step() { BG_STEP_SCRIPT=$5; }
show() { printf '%s' "$_name"; for _word; do printf '|%s' "$_word"; done; printf '\\n'; }
bg_step_setup() { for _name in writes probes visits; do "bg_setup_$_name" show; done; }`;
  return spawnSync('sh', ['-c', `${print}\n${script}\neval "$BG_PLAN_TEXT"\neval "$BG_STEP_SCRIPT"\nprintf '%s' "$BG_SU_ROOT $BG_SU_FOLDER"`], { encoding: 'utf8' });
};
const main = '/etc/nginx/nginx.conf';

describe('what setup does is a pure function of settings and facts', () => {
  test('as root it writes', () => {
    const { script, sentence, text, warnings } = setup();
    expect(sentence).toBe('nginx follows /srv/shop/live from now on');
    expect(text).toContain('Written: /etc/nginx/bluegreen/shop-http.conf\n\n    # shop, written by');
    expect(text).toContain(`${main}:4\n  - proxy_pass http://shop;\n  + proxy_pass http://$bluegreen_shop;`);
    expect(warnings).toEqual([`${main}:4: no proxy_set_header Host holds here: the app sees \`Host: shop-blue\`, another one after each switch. Write \`proxy_set_header Host $host;\` beside it.`]);
    const { stdout, stderr } = calls(script);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^writes\|\/etc\/nginx\/bluegreen\/shop-http.conf\|\|\d+ \d+\|# shop, written by/);
    expect(stdout).toMatch(/\nwrites\|\/etc\/nginx\/nginx.conf\|\d+ \d+\|\d+ \d+\|4\|4\| {2}include bluegreen\/shop-http.conf;\n {2}server \{ include bluegreen\/shop-server.conf; listen 80;/);
    expect(stdout).toContain(`\nprobes|http://shop.example.com/.bluegreen/shop|127.0.0.1:80||${main}:5\n`);
    expect(stdout).toContain(`\nvisits|http://shop.example.com/|127.0.0.1:80||${main}:5\n`);
    expect(stdout).toMatch(/\nyes \/etc\/nginx\/bluegreen$/);
  });

  test('as another user it is told, and the agent gets no step', () => {
    const { script, sentence, text } = setup({ uid: '1000', user: 'deploy', 'nginx.command': 'sudo -n /usr/sbin/nginx' });
    expect(sentence).toContain('nothing was changed, since only root may');
    expect(text).toContain('install -d -m 755 /etc/nginx/bluegreen\nprintf ');
    expect(text).toContain('/usr/sbin/nginx -t && /usr/sbin/nginx -s reload');
    expect(text).not.toContain('sudo');
    expect(script).not.toContain('bg_plan_step');
  });

  test('what the configuration holds beside the lines that change is not shown', () => {
    const secret = 'c2VjcmV0';
    const dump = setup().script && factsOf().nginx.dump.replace('location / {', `location / { proxy_set_header Authorization "Basic ${secret}";`);
    for (const uid of ['0', '1000']) {
      const { text, warnings, sentence } = setup({ uid, 'nginx.dump': dump });
      expect(text).toContain('proxy_pass http://$bluegreen_shop;');
      expect([text, sentence, ...warnings].join()).not.toContain(secret);
    }
  });

  test('text from settings and files reaches the shell as data', () => {
    const evil = `'; touch /tmp/bluegreen-evil; echo '$(id)\`id\`\\`;
    const dump = factsOf().nginx.dump.replace('server {', `server { # ${evil}\n`);
    const { stdout, stderr } = calls(setup({ 'nginx.dump': dump, 'nginx.command': `nginx ${evil}` }).script);
    expect(stderr).toBe('');
    expect(stdout).toContain(`server { # ${evil}\n`);
  });

  test('the ports in force, not those of the settings', () => {
    const facts = afterTwoDeploys(asRoot);
    const { text } = makeSetup(settingsOf({ command: 'setup', start: '', ports: '9601,9602', 'health-path': '/' }), facts);
    expect(text).toMatch(/upstream shop-blue \{\n {8}server 127.0.0.1:9501 max_fails=0;\n {8}server 127.0.0.1:9602 backup/);
  });
});

describe('setup gives the traffic to nobody else', () => {
  const refused = (known: Record<string, string> = {}, inputs: Record<string, string> = {}, server?: string) => refusal(() => setup(known, inputs, server));

  test('what cannot be changed safely is refused, all of it at once, with what to write instead', () => {
    const dump = factsOf().nginx.dump.replace('location / { proxy_pass http://shop; }', 'location / { proxy_pass http://shop/; }\nlocation /g { grpc_pass grpc://shop; }');
    const text = refused({ 'nginx.dump': dump });
    for (const part of [`${main}:4: proxy_pass http://shop…`, `${main}:5: grpc_pass grpc://shop`, `${main}:4: Write \`proxy_pass http://shop;\``]) expect(text).toContain(part);
  });

  test.each([
    ['a switch that was begun', { intent: 'yes' }, {}, undefined, 'a switch was begun on this host and not ended'],
    ['a live that is not ours', { live: '/elsewhere' }, {}, undefined, '/srv/shop/live is not a link to slots/blue or slots/green'],
    ['another slot than the live one', { live: 'slots/green' }, {}, undefined, 'sends requests to the blue slot, but the live slot is green'],
    ['the green slot without a live one', {}, {}, 'server 127.0.0.1:9502;', 'Set ports: 9502,9501, so that what serves now is blue.'],
    ['both slots', {}, {}, 'server 127.0.0.1:9501; server 127.0.0.1:9502;', 'sends requests to both slots'],
    ['no slot’s port', {}, {}, 'server 127.0.0.1:8080;', 'has no server line with port 9501 or 9502'],
    [
      'a live app that listens on a socket alone',
      { live: 'slots/blue', 'slot.blue.release': 'r', 'slot.blue.port': '9501', 'slot.blue.alive': 'yes' },
      {},
      undefined,
      'the live app does not listen on port 9501, which nginx would lead to',
    ],
  ])('%s is refused', (_name, known, inputs, server, what) => {
    expect(refused(known, inputs, server)).toContain(what);
  });

  test('the same is well for sockets, where the app may listen on one', () => {
    const known = { live: 'slots/blue', 'slot.blue.release': 'r', 'slot.blue.port': '9501', 'slot.blue.alive': 'yes' };
    expect(setup(known, { listen: 'socket' }).sentence).toContain('from now on');
    expect(setup({ ...known, 'listener.9501': 'yes' }).sentence).toContain('from now on');
  });

  test('a site over TLS cannot be asked without curl', () => {
    const dump = factsOf().nginx.dump.replace('listen 80;', 'listen 443 ssl;');
    expect(refused({ 'nginx.dump': dump, tools: 'git flock setsid wget awk sed' })).toContain('asking it needs curl');
    expect(setup({ 'nginx.dump': dump }).sentence).toContain('from now on');
  });
});
