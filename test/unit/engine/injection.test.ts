import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { agentText } from '../../../src/engine/agent-text.js';
import { DeployError } from '../../../src/errors.js';
import { exports } from '../../../src/host/quote.js';
import { parseSettings, type Settings } from '../../../src/settings/settings.js';
import { seeded } from '../../random.js';
import { hostileText, NAMES, type Name } from '../settings/hostile.js';
import { factsOf, ledgerLine, sha, two } from './facts.js';
import { sent, type Sent } from './sent.js';

const SEED = 20_261_125;
/** For each of the settings. */
const CASES = 260;

/**
 * What becomes of each setting. `text`: it reaches the host as text. `closed`: it can only be a number, a time, a yes or no, or one of a few
 * words. `kept`: nothing of it is sent to the host's shell.
 */
const KINDS: Record<Name, 'text' | 'closed' | 'kept'> = {
  command: 'closed',
  host: 'kept',
  user: 'kept',
  port: 'kept',
  'private-key': 'kept',
  passphrase: 'kept',
  'known-hosts': 'kept',
  app: 'text',
  root: 'text',
  repository: 'text',
  ref: 'text',
  'repository-token': 'text',
  release: 'text',
  'allow-older': 'closed',
  ports: 'closed',
  listen: 'closed',
  install: 'text',
  start: 'text',
  stop: 'text',
  supervisor: 'closed',
  'port-files': 'text',
  env: 'text',
  shared: 'text',
  standby: 'closed',
  'before-switch': 'text',
  'after-switch': 'text',
  path: 'text',
  shell: 'text',
  'health-path': 'text',
  'health-status': 'closed',
  'health-host': 'text',
  'health-timeout': 'closed',
  'health-passes': 'closed',
  bake: 'closed',
  'bake-errors': 'closed',
  switch: 'closed',
  'nginx-upstream': 'text',
  'nginx-command': 'text',
  'verify-url': 'text',
  'connect-timeout': 'kept',
  lease: 'closed',
  retries: 'kept',
  'step-timeout': 'closed',
  'lock-timeout': 'closed',
  'switch-timeout': 'closed',
  'drain-timeout': 'closed',
  'stop-timeout': 'closed',
  'keep-releases': 'closed',
  'github-token': 'kept',
  environment: 'kept',
  'environment-url': 'kept',
};

const WORDS = ['deploy', 'rollback', 'status', 'plan', 'setup', 'port', 'socket', 'process', 'command', 'instant', 'reload', ''];

/** A deploy in which every setting has a place; `stop` needs the supervisor `command`. */
const BASE: Partial<Record<Name, string>> = {
  host: 'deploy@shop.example.com',
  'private-key': 'key',
  app: 'shop',
  repository: 'https://git.example.com/acme/shop.git',
  ref: sha('a'),
  'repository-token': 'ghx_1',
  start: 'start',
  stop: 'stop',
  supervisor: 'command',
  switch: 'reload',
};

const ROLLBACK: Partial<Record<Name, string>> = { command: 'rollback', start: '', stop: '', supervisor: 'process' };

function parsed(given: Partial<Record<Name, string>>): Settings {
  return parseSettings((name) => given[name as Name] ?? '', { serverUrl: 'https://github.com', repository: 'acme/shop', sha: sha('a') });
}

/** The setting as the settings object has it. */
const valueOf = (settings: Settings, name: Name): unknown => (settings as unknown as Record<string, unknown>)[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];

/** What the user wrote, as far as it is text that is taken as it is; undefined for what is a list of things. */
function asWritten(name: Name, given: string): string | undefined {
  const text = given.trim();
  if (['port-files', 'env', 'shared', 'ports'].includes(name)) return undefined;
  if (name === 'root') return text.length > 1 ? text.replace(/\/$/, '') : text;
  return ['install', 'start', 'stop', 'before-switch', 'after-switch', 'known-hosts'].includes(name) ? text.replace(/\r\n/g, '\n') : text;
}

/** Another setting that may be named instead: the two of them contradict each other. */
const RELATED: Partial<Record<Name, string[]>> = { host: ['user'], supervisor: ['stop'], command: ['stop', 'release'] };

interface Case {
  name: Name;
  given: string;
  settings: Settings;
}

/** Every case of one setting that is taken; the others were refused as they have to be. */
function casesOf(name: Name): { taken: Case[]; refused: number } {
  const random = seeded(SEED + NAMES.indexOf(name));
  const taken: Case[] = [];
  let refused = 0;
  for (let round = 0; round < CASES; round++) {
    const given = hostileText(name, random);
    try {
      const settings = parsed({ ...BASE, ...(name === 'release' ? ROLLBACK : {}), [name]: given });
      taken.push({ name, given, settings });
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      const { step, settings, what, next } = error.problem;
      const named = settings.length > 0 && settings.every((one) => one === name || RELATED[name]?.includes(one)) && next.includes(`\n  ${settings[0]}: `);
      // Nothing in it that a terminal or a runner would act upon.
      const acts = /[\0-\x09\x0b-\x1f]|^[ ]*(::|##\[)/m.test(`${what}\n${next}`);
      if (step !== 'settings' || !named || acts) throw new Error(`not refused as it should be: ${name}: ${JSON.stringify(given)}`, { cause: error });
      refused++;
    }
  }
  return { taken, refused };
}

const all = new Map(NAMES.map((name) => [name, casesOf(name)]));
const takenOf = (name: Name): Case[] => all.get(name)?.taken ?? [];
const total = NAMES.length * CASES;

test('every setting of the schema is in a category, and has samples', () => {
  expect(Object.keys(KINDS).sort()).toEqual([...NAMES].sort());
});

test(`${total} hostile texts for ${NAMES.length} settings (seed ${SEED}): each is refused by name, or taken as it was written`, () => {
  expect(total).toBeGreaterThanOrEqual(10_000);
  for (const [name, { taken, refused }] of all) {
    // Both ways were tried, where there are both.
    if (!['install', 'start', 'stop', 'before-switch', 'after-switch', 'passphrase', 'private-key', 'known-hosts', 'env'].includes(name)) expect([name, refused > 20]).toEqual([name, true]);
    if (KINDS[name] === 'text') expect([name, taken.length >= (['release', 'app', 'shell', 'health-host', 'env'].includes(name) ? 3 : 25)]).toEqual([name, true]);
    for (const { given, settings } of taken) {
      const value = valueOf(settings, name);
      if (KINDS[name] === 'text' && typeof value === 'string' && given.trim()) expect(value).toBe(asWritten(name, given));
      if (KINDS[name] === 'closed') expect(isClosed(value)).toBe(true);
    }
  }
});

function isClosed(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'number' || Object.values(one as object).every((number) => typeof number === 'number'));
  return typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && WORDS.includes(value));
}

test('what is for the runner alone changes nothing that is sent', async () => {
  const text = async (settings: Settings) => JSON.stringify(await sent(settings, factsOf()).then(({ first, plan }) => [first, plan.script])).replace(/bluegreen-[0-9a-f]{24}/g, '');
  const before = await text(parsed(BASE));
  let count = 0;
  for (const name of NAMES.filter((one) => KINDS[one] === 'kept')) {
    for (const { settings } of takenOf(name).slice(0, 100)) {
      if ((await text(settings)) !== before) throw new Error(`${name} changes what is sent`);
      count++;
    }
  }
  expect(count).toBeGreaterThan(200);
});

/** The variables that each part of what is sent sets, and that the shells have to tell. */
const REQUEST = ['BG_APP', 'BG_ROOT', 'BG_PORTS', 'BG_REPOSITORY', 'BG_REF', 'BG_NG_COMMAND', 'BG_COMMAND', 'BG_RUN', 'BG_HOLDER', 'BG_LOCK_TIMEOUT', 'BG_STEP_TIMEOUT', 'BG_LEASE', 'BG_OUTCOME_WAIT', 'BG_MARK', 'BG_TOKEN'] as const;
const PLAN = [
  ...['BG_RELEASE', 'BG_SHA', 'BG_SLOT', 'BG_PORT', 'BG_PREVIOUS_SLOT', 'BG_OLD_SLOT', 'BG_OLD_PORT', 'BG_AT', 'BG_OLD_AT', 'BG_LISTEN', 'BG_STANDBY_READY', 'BG_RELEASE_JSON', 'BG_LEDGER', 'BG_SKIP', 'BG_NG_COMMAND', 'BG_NG_MODE', 'BG_NG_FOLLOWS'],
  ...['BG_NG_PROBES', 'BG_NG_PROBE_BLUE', 'BG_NG_PROBE_GREEN', 'BG_NG_FILE', 'BG_NG_REGION', 'BG_NG_BLUE', 'BG_NG_GREEN', 'BG_NG_SUM', 'BG_NG_FOLDER', 'BG_NG_PID_FILE', 'BG_NG_ERROR_LOG', 'BG_NG_URL', 'BG_NG_CONNECT', 'BG_NG_PROXY_PROTOCOL', 'BG_NG_TIMEOUT', 'BG_NG_VERSION'],
] as const;
const SLOT = ['SUPERVISOR', 'RELEASE', 'SHA', 'PORT', 'LISTEN', 'START', 'STOP', 'SHELL', 'PATH', 'PORTS', 'PORT_FILES', 'STOP_TIMEOUT', 'DRAIN_TIMEOUT', 'ADDRESS', 'HEALTH_PATH', 'HEALTH_STATUS', 'HEALTH_HOST'].map((name) => `BG_SL_${name}`);
const STEPS: Record<string, readonly string[]> = {
  clone: ['BG_SHARED', 'BG_INSTALL', 'BG_FAILED'],
  install: ['BG_INSTALL', 'BG_SHELL', 'BG_PATH'],
  start: SLOT,
  health: ['BG_HEALTH_TIMEOUT', 'BG_HEALTH_PASSES', 'BG_HEALTH_WANTED'],
  before_switch: ['BG_BEFORE_SWITCH', 'BG_SHELL', 'BG_PATH'],
  after_switch: ['BG_AFTER_SWITCH', 'BG_SHELL', 'BG_PATH'],
  switch: [],
  verify: ['BG_HEALTH_WANTED'],
  prune: ['BG_PRUNE'],
  drain: ['BG_DRAIN_TIMEOUT'],
  stop: [],
};

/** What the shells have to have told by the end: for each label the values, in order. */
type Told = Map<string, string[]>;

const range = '200-299';
const isLong = ({ start, stop, path, shell, portFiles, healthPath }: Settings): boolean => [start, stop, path, shell, portFiles.join('\n'), healthPath].join('').length > 5000;

function expected(settings: Settings, { first, plan }: Sent): Told {
  const { target } = plan;
  const env = settings.env.map(({ value }) => value);
  const mark = /^BG_MARK=(.*)$/m.exec(first.request)?.[1] ?? '';
  const holder = `${settings.command} of ${settings.ref.slice(0, 40) || 'a release'} by ada https://github.com/acme/shop/actions/runs/1`.replace(/[^\x20-\x7e]/g, '?');
  const slot = [
    ...[settings.supervisor, target.release, target.sha, String(target.port), 'port', settings.start, settings.stop, settings.shell, settings.path, `${target.port} ${target.oldPort}`, settings.portFiles.join('\n')],
    ...['10', '30', '127.0.0.1', settings.healthPath, range, settings.healthHost],
  ];
  const { edit } = plan.nginx;
  const text = (value: string | undefined) => value ?? '';
  return new Map([
    ['request', [settings.app, settings.root, settings.ports.join(' '), settings.repository, settings.command === 'rollback' ? '' : settings.ref, settings.nginxCommand, settings.command, 'acme/shop/1/1', holder, '900', '900', '60', '160', mark, settings.repositoryToken]],
    ['env', env],
    [
      'plan',
      [
        ...[target.release, target.sha, target.slot, String(target.port), target.live, target.oldSlot, String(target.oldPort), target.listensAt, target.oldListensAt, 'port', '', JSON.stringify({ id: target.release, sha: target.sha, ref: settings.ref, repository: settings.repository, actor: 'ada', url: 'https://github.com/acme/shop/actions/runs/1', created: '2026-11-22T10:15:00.000Z', recipe: target.recipe })],
        ...[JSON.stringify({ run: 'acme/shop/1/1', command: settings.command, app: settings.app, release: target.release, previousRelease: plan.previousRelease, sha: target.sha, ref: settings.ref, slot: target.slot, port: target.port, actor: 'ada', url: 'https://github.com/acme/shop/actions/runs/1', started: '2026-11-22T10:15:00.000Z' }).slice(0, -1), ''],
        ...['sudo -n /usr/sbin/nginx', 'reload', '', '', '', '', text(edit?.file), text(edit?.region), text(edit?.blue), text(edit?.green), '123 45', '/etc/nginx', '/run/nginx.pid', plan.nginx.errorLog],
        ...[settings.verifyUrl || `http://shop.example.com${settings.healthPath}`, settings.verifyUrl ? '' : '127.0.0.1:80', '', '10', '1.22.1'],
      ],
    ],
    ['clone', [settings.shared.join('\n'), settings.install, '']],
    ['install', [settings.install, settings.shell, settings.path]],
    ['start', slot],
    ['quoted', ['yes']],
    ['read', isLong(settings) ? slot.map(() => '') : slot],
    ['sourced', slot],
    ['health', ['60', '2', range]],
    ['before_switch', [settings.beforeSwitch, settings.shell, settings.path]],
    ['after_switch', [settings.afterSwitch, settings.shell, settings.path]],
    ['switch', []],
    ['verify', [range]],
    ['prune', ['']],
    ['drain', ['30']],
    ['stop', []],
    ...[settings.install, settings.start, settings.stop, settings.beforeSwitch, settings.afterSwitch].map((command, at): [string, string[]] => [
      `login ${at}`,
      ['2', '-lc', `eval "$BLUEGREEN_ENV"; unset BLUEGREEN_ENV\n${command}`, target.slot, String(target.port), target.release, target.sha, `${settings.path}${settings.path && ':'}${join(dir, 'path')}`, ...env],
    ]),
  ]);
}

let dir = '';
beforeAll(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-injection-')));
  for (const name of ['path', 'empty', 'bin']) mkdirSync(join(dir, name));
  // All that PATH leads to leaves a trace, and what it does not lead to is complained of.
  for (const name of ['canary', 'touch', 'id', 'x', 'a', 'sh', 'cat', 'rm', 'shop', 'node', 'npm', 'exec']) program(join(dir, 'path', name), `printf '%s\\n' "$0" >>'${dir}/canary'`);
  // In place of a login shell: tells how it was called and what its environment says.
  const tell = `exec 3>&1\n_count=$# _all=$*\n_first=$1 _second=$2\neval "$BLUEGREEN_ENV"\nprintf '%s\\0' "$_count" "$_first" "$_second" "$SLOT" "$PORT" "$RELEASE" "$SHA" "$PATH"\nfor _name in $TELL_NAMES; do eval "printf '%s\\\\0' \\"\\$$_name\\""; done`;
  program(join(dir, 'bin', 'dash'), tell);
  program(join(dir, 'bin', 'fish'), `printf %s "$BLUEGREEN_COMMAND"`);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function program(path: string, text: string): void {
  writeFileSync(path, `#!/bin/dash\n${text}\n`);
  chmodSync(path, 0o755);
}

/** The shell's program: real functions of the agent, with stubs in place of the steps. */
function prelude(): string {
  const stubs = Object.entries(STEPS).filter(([name]) => name !== 'start').map(([name, variables]) => `bg_step_${name}() { tell ${name} ${variables.map((one) => `"$${one}"`).join(' ')}; }`);
  const slot = SLOT.map((one) => `"$${one}"`).join(' ');
  return [
    agentText(),
    // The only programs: by their paths, as PATH leads to the canary alone.
    'mv() { /bin/mv "$@"; }; cat() { /bin/cat "$@"; }; base64() { /usr/bin/base64 "$@"; }; tr() { /usr/bin/tr "$@"; }',
    `tell() { _label=$1; shift; printf '%s\\0' "$_label" $# "$@"; }`,
    ...stubs,
    // bg_quote, bg_save and bg_load, in both ways: by whoever owns the root, and by another user.
    `bg_step_start() {
  tell start ${slot}
  _ok=yes
  for _n in ${SLOT.join(' ')}; do
    eval "_value=\\$$_n"
    bg_quote "$_value"
    eval "_copy=$BG_QUOTED"
    [ "$_copy" = "$_value" ] || _ok=no
  done
  tell quoted "$_ok"
  bg_save '${dir}/slot.conf' ${SLOT.join(' ')}
  for _n in ${SLOT.join(' ')}; do eval "$_n="; done
  BG_ROOT='${dir}/nowhere'
  # It takes its time for long ones.
  [ -n "$LONG" ] || bg_load '${dir}/slot.conf' ${SLOT.join(' ')}
  tell read ${slot}
  for _n in ${SLOT.join(' ')}; do eval "$_n="; done
  BG_ROOT='${dir}'
  bg_load '${dir}/slot.conf' ${SLOT.join(' ')}
  tell sourced ${slot}
}`,
    `login() {
  bg_command_text "$BG_SLOT" "$BG_PORT" "$BG_RELEASE" "$BG_SHA" "$BG_PATH" "$BG_ENV" port
  printf '%s\\0' "login $1" $((8 + $3))
  (export TELL_NAMES="$4"; bg_exec_command '${dir}/bin/dash' "$2")
}`,
    // Shells that are not sh get it in base64.
    `other_login() { [ -z "$LONG" ] || return 0; tell 'login other' "$(bg_exec_command '${dir}/bin/fish' "$1")"; }`,
    // Each file is one case: as what is evaluated, it sees the functions, and the variables of none before it.
    `run_plan() {
  tell request ${REQUEST.map((one) => `"$${one}"`).join(' ')}
  eval "$BG_PLAN_TEXT"
  tell plan ${PLAN.map((one) => `"$${one}"`).join(' ')}
  _at=0
  while [ "$_at" -lt "$BG_COUNT" ]; do
    _at=$((_at + 1))
    eval "_script=\\$BG_SCRIPT_$_at"
    (eval "$_script")
  done
}`,
    'canary() { printf canary >>canary; }',
  ].join('\n');
}

/** A case as the agent gets it: the request's texts, then the plan's, then what is done with them. */
function caseText(settings: Settings, { first, plan }: Sent): string {
  const names = settings.env.map(({ name }) => name);
  const reset = [...REQUEST, ...PLAN, 'BG_PLAN_TEXT', 'BG_ENV', ...Object.values(STEPS).flat()].map((name) => `${name}=`).join(' ');
  const logins = ['BG_INSTALL', 'BG_SL_START', 'BG_SL_STOP', 'BG_BEFORE_SWITCH', 'BG_AFTER_SWITCH'];
  return [
    `${reset} BG_COUNT=0 LONG=${isLong(settings) ? 'yes' : ''}`,
    first.request,
    first.token,
    first.env,
    plan.script,
    'run_plan',
    `( eval "$BG_ENV"; tell env ${names.map((name) => `"$${name}"`).join(' ')} )`,
    // The steps' own variables, all at once, as their scripts set them.
    ...plan.steps.map(({ script }) => script.slice(0, script.lastIndexOf('bg_step_'))),
    ...logins.map((name, at) => `login ${at} "$${name}" ${names.length} '${names.join(' ')}'`),
    'other_login "$BG_SL_START"',
    '',
  ].join('\n');
}

const shells = [
  ['dash', '/usr/bin/dash', [], 'C'],
  ['bash', '/usr/bin/bash', ['--posix'], 'C.UTF-8'],
  ['busybox ash', '/usr/bin/busybox', ['ash'], 'C.UTF-8'],
] as const;

/** Runs all cases in one process of the shell; what it told, for each case. */
function told(shell: (typeof shells)[number], texts: string[]): Told[] {
  const [name, path, args, locale] = shell;
  const cases = join(dir, 'cases');
  rmSync(cases, { recursive: true, force: true });
  mkdirSync(cases);
  texts.forEach((text, at) => writeFileSync(join(cases, String(at)), text));
  const main = join(dir, 'main');
  writeFileSync(main, `${prelude()}\n_case=0\nwhile [ "$_case" -lt ${texts.length} ]; do tell case "$_case"; . '${cases}'/"$_case"; _case=$((_case + 1)); done\ntell done\n`);
  const result = spawnSync(path, [...args, main], { cwd: join(dir, 'empty'), env: { PATH: join(dir, 'path'), LC_ALL: locale, HOME: '/nowhere' }, input: '', maxBuffer: 1024 * 1024 * 1024 });
  // Whatever was taken for a command is complained of here.
  expect([name, String(result.stderr).slice(0, 2000), result.status]).toEqual([name, '', 0]);
  expect(readdirSync(join(dir, 'empty'))).toEqual([]);
  expect(readdirSync(dir).filter((file) => file === 'canary')).toEqual([]);
  return groups(result.stdout.toString('utf8').split('\0').slice(0, -1));
}

function groups(words: string[]): Told[] {
  const found: Told[] = [];
  for (let at = 0; at < words.length; ) {
    const [label = '', count = ''] = words.slice(at, at + 2);
    const values = words.slice(at + 2, at + 2 + Number(count));
    if (label === 'case') found.push(new Map());
    else found.at(-1)?.set(label, values);
    at += 2 + Number(count);
  }
  return found;
}

/** One case with the i-th text of every setting that goes to the host as text: each of them is in some case. */
function together(): Settings[] {
  const names = NAMES.filter((name) => KINDS[name] === 'text' && !['release', 'nginx-upstream'].includes(name));
  const most = Math.max(...names.map((name) => takenOf(name).length));
  return Array.from({ length: most }, (_, at) => {
    const given = names.map((name) => [name, takenOf(name)[at % takenOf(name).length]?.given ?? ''] as const);
    return parsed({ ...BASE, 'nginx-upstream': 'shop', ...Object.fromEntries(given.filter(([, text]) => text.trim())) });
  });
}

/** How many values were compared. */
function compare(shell: (typeof shells)[number], cases: { settings: Settings; what: Sent }[]): number {
  const found = told(shell, cases.map(({ settings, what }) => caseText(settings, what)));
  expect(found).toHaveLength(cases.length);
  let compared = 0;
  cases.forEach(({ settings, what }, at) => {
    const got = found[at] ?? new Map<string, string[]>();
    for (const [label, values] of expected(settings, what)) {
      if (!what.plan.steps.some(({ name }) => name === label.replace('_', '-')) && label in STEPS) continue;
      // Long ones are compared as text: in that way a difference is all that is printed.
      if (got.get(label)?.join('\0') !== values.join('\0')) expect([at, label, got.get(label)]).toEqual([at, label, values]);
      compared += values.length;
    }
    if (isLong(settings)) return;
    const text = Buffer.from(got.get('login other')?.[0] ?? '', 'base64').toString('utf8');
    const whole = text.startsWith('unset BLUEGREEN_COMMAND\nexport SLOT=') && text.endsWith(`${exports(settings.env)}\n${settings.start}`);
    if (!whole) throw new Error(`case ${at}: ${JSON.stringify(text)}`);
  });
  return compared;
}

test('every variable that is sent is among those that are compared', async () => {
  const { first, plan } = await sent(parsed({ ...BASE, install: 'x', 'before-switch': 'x', 'after-switch': 'x' }), factsOf());
  const names = (text: string) => [...text.matchAll(/(?:^|')(BG_[A-Z_]+)=/gm)].map(([, name]) => name);
  const known = new Set<string>([...REQUEST, ...PLAN, ...Object.values(STEPS).flat(), 'BG_ENV', 'BG_PLAN_TEXT', 'BG_SL_HEALTH_STATUS']);
  const all = [first.request, first.token, first.env, plan.script].flatMap(names);
  expect(all.length).toBeGreaterThan(60);
  expect(all.filter((name) => !known.has(name ?? ''))).toEqual([]);
});

/** Cases in which one setting has a place that it does not have beside the others. */
async function alone(): Promise<{ settings: Settings; what: Sent }[]> {
  const found: { settings: Settings; what: Sent }[] = [];
  for (const { given } of takenOf('nginx-upstream')) {
    const settings = parsed({ ...BASE, 'nginx-upstream': given });
    const name = settings.nginxUpstream;
    const dump = `# configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp {\n  upstream ${name} { server 127.0.0.1:9501; }\n  server { listen 80; server_name shop.example.com; location / { proxy_pass http://${name}; } }\n}\n\n`;
    try {
      found.push({ settings, what: await sent(settings, factsOf({ 'nginx.dump': dump })) });
    } catch (error) {
      // What nginx would not take for one name either.
      if (!(error instanceof DeployError) || !/upstream/.test(error.message)) throw error;
    }
  }
  for (const { given } of takenOf('release').filter((one) => one.given.trim())) {
    const id = given.trim();
    const settings = parsed({ ...BASE, command: 'rollback', release: id });
    const known = { root: 'writable', live: 'slots/blue', 'slot.blue.release': two, 'slot.blue.sha': sha('b'), 'slot.blue.port': '9501', 'slot.blue.supervisor': 'process', 'slot.blue.alive': 'yes' };
    const facts = factsOf({ ...known, release: JSON.stringify({ id, sha: sha('c'), ref: '', recipe: null }), ledger: `${ledgerLine('deploy', id)}\n${ledgerLine('deploy', two)}` });
    found.push({ settings, what: await sent(settings, facts) });
  }
  return found;
}

describe.each(shells)('what is sent, in %s', (...shell) => {
  test(`is plain data: every variable has the setting's value, byte for byte, and nothing is run (seed ${SEED})`, async () => {
    const cases = await Promise.all(together().map(async (settings) => ({ settings, what: await sent(settings, factsOf()) })));
    expect(cases.length).toBeGreaterThan(150);
    const others = await alone();
    expect(others.length).toBeGreaterThan(30);
    expect(compare(shell, [...cases, ...others])).toBeGreaterThan(100 * cases.length);
  });
});
