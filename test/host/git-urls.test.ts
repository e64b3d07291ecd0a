import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { agentText } from '../../src/engine/agent-text.js';
import { quote } from '../../src/host/quote.js';
import { settingsSchema } from '../../src/settings/schema.js';
import { makeRepo } from '../../testbed/repo.mjs';
import { oneOf, seeded, textOf, type Random } from '../random.js';
import { hostileText } from '../unit/settings/hostile.js';

jest.setTimeout(300_000);

const SEED = 20_261_125;
const URLS = 260;
const REFS = 260;

let dir = '';
let repo: ReturnType<typeof makeRepo>;
beforeAll(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-git-')));
  for (const name of ['bin', 'home', 'empty', 'repo', 'pipes', 'root']) mkdirSync(join(dir, name));
  repo = makeRepo(join(dir, 'repo'));
  // In place of ssh: writes down how it was called, and connects nowhere.
  program('ssh', `for one; do printf '%s\\0' "$one"; done >'${dir}/ssh'\nexit 255`);
  for (const name of ['canary', 'sh', 'touch', 'id', 'x', 'plink', 'tortoiseplink', 'git-remote-ext', 'git-remote-canary', 'git-remote-transport']) program(name, `echo "$0 $*" >>'${dir}/canary'`);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function program(name: string, text: string): void {
  writeFileSync(join(dir, 'bin', name), `#!/bin/dash\n${text}\n`);
  chmodSync(join(dir, 'bin', name), 0o755);
}

/** Runs the agent's functions with that repository and ref; each function that ends its step does so in a process of its own. */
function agent(variables: Record<string, string>, script: string) {
  const trace = join(dir, 'trace');
  rmSync(trace, { force: true });
  rmSync(join(dir, 'ssh'), { force: true });
  const set = Object.entries({ BG_PIPES: join(dir, 'pipes'), BG_ROOT: join(dir, 'root'), BG_MARK: 'MARK', ...variables }).map(([name, value]) => `${name}=${quote(value)}\n`).join('');
  const env = {
    // Nothing but the stand-ins and what git itself needs; https goes to a proxy that is not there.
    PATH: `${join(dir, 'bin')}:/usr/bin:/bin`,
    HOME: join(dir, 'home'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TRACE2_EVENT: trace,
    https_proxy: 'http://127.0.0.1:1',
    LC_ALL: 'C.UTF-8',
  };
  const result = spawnSync('/usr/bin/dash', [], { cwd: join(dir, 'empty'), input: `${agentText()}\n${set}${script}\n`, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  expect(existsSync(join(dir, 'canary')) && readFileSync(join(dir, 'canary'), 'utf8')).toBe(false);
  expect(readdirSync(join(dir, 'empty'))).toEqual([]);
  return { out: result.stdout, error: result.stderr, ssh: existsSync(join(dir, 'ssh')) ? readFileSync(join(dir, 'ssh'), 'utf8').split('\0').slice(0, -1) : undefined, started: startedBy(trace) };
}

/** The arguments of all that git started, as it tells itself. */
function startedBy(trace: string): string[][] {
  if (!existsSync(trace)) return [];
  const events = readFileSync(trace, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as { event: string; argv?: string[] });
  return events.filter(({ event }) => event === 'child_start').map(({ argv = [] }) => argv);
}

/** Hostile texts that the setting takes after all, each once. */
function taken(name: 'repository' | 'ref', count: number, random: Random): string[] {
  const found = new Set<string>();
  for (let round = 0; found.size < count && round < 50 * count; round++) {
    const text = (random(3) ? hostileText(name, random) : `${oneOf(random, STARTS[name])}${textOf(random, INSIDE, 4)}`).trim();
    if (text && text.length < 4000 && settingsSchema.shape[name].safeParse(text).success) found.add(text);
  }
  return [...found];
}

const STARTS = {
  repository: ['git@git.example.com:', 'ssh://git@git.example.com/', 'ssh://git.example.com:22/~', 'ssh://', 'ssh://%2d', 'https://git.example.com/', 'file://', 'file:///', '/', 'git@[::1]:', 'a.b+c-d@host:', 'ssh://a@b@c/'],
  ref: ['main', 'refs/heads/', 'a/', '$', '`', 'HEAD', '@', '{', '!', "'", '0123456', 'abcdefabcdef'],
};
const INSIDE = ['$(canary)', '`canary`', ';canary', '|canary', '&canary&', "'", '"', '--upload-pack=canary', '-oProxyCommand=canary', '-', '--', '@', ':', '::', '/', '%2d', '%24(canary)', '.', '~', 'x', '\\', '*', '[', '=', ',', '{', '}', '#', '!', 'ü', '🦊', '\u00a0', '<', '>', '(', ')', '127.0.0.1', '/x', ' ', '^', '?'];

/** What the argument of ssh that says where has to be: decoded by git in a URL, as it stands in the short form. */
function whereOf(url: string): string {
  if (!/^ssh:/i.test(url)) return url.slice(0, url.indexOf(':', url.indexOf('[') > 0 ? url.indexOf(']') : 0)).replace(/\[(.*)\]/, '$1');
  const authority = /^ssh:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
  return decodeURIComponent(authority.replace(/:[0-9]+$/, '').replace(/\[(.*)\]/, '$1'));
}

test(`${URLS} repository URLs that are taken (seed ${SEED}): git starts itself and ssh, with that host and no option of theirs`, () => {
  const urls = taken('repository', URLS, seeded(SEED));
  expect(urls.length).toBe(URLS);
  const called = { ssh: 0, local: 0, https: 0 };
  for (const url of urls) {
    const { started, ssh, out } = agent({ BG_REPOSITORY: url, BG_REF: 'main' }, '(bg_resolve_ref)');
    expect([url, out.includes('MARK problem')]).toEqual([url, true]);
    for (const argv of started) {
      const [program = '', ...rest] = argv;
      if (program.startsWith('ssh -o BatchMode=yes')) continue;
      if (/^git-upload-pack '/.test(program)) called.local++;
      else if ([program, ...rest].join(' ').startsWith('git remote-https ') || (program === 'git-remote-https' && rest.length === 2)) called.https++;
      else throw new Error(`${url}\nstarted ${JSON.stringify(argv)}`);
    }
    if (!ssh) continue;
    called.ssh++;
    // Options of ours, then the host, then the one command.
    const options = ssh.slice(0, -2).join(' ');
    const [where = '', command = ''] = ssh.slice(-2);
    expect([url, options]).toEqual([url, expect.stringMatching(/^-o BatchMode=yes -o ConnectTimeout=20( -o SendEnv=GIT_PROTOCOL)?( -p [0-9]+)?$/)]);
    expect([url, where]).toEqual([url, whereOf(url)]);
    expect(where).not.toMatch(/^-/);
    // For the shell on the other side it is one word after the program.
    expect([url, execFileSync('/usr/bin/dash', ['-c', `set -- ${command}; printf %s $#`], { env: {}, encoding: 'utf8' })]).toEqual([url, '2']);
    expect(command).toMatch(/^git-upload-pack '[^-]/);
  }
  expect(Object.entries(called).filter(([, count]) => count < 10)).toEqual([]);
});

test(`${REFS} refs that are taken (seed ${SEED}): each leads to its own commit, and is fetched`, () => {
  const base = repo.commit({ version: 'one' });
  const refs = taken('ref', REFS, seeded(SEED + 1)).filter((ref) => !/^[0-9a-f]+$/.test(ref) && !ref.startsWith('refs/') && ref !== 'HEAD' && !/^main($|\/)/.test(ref));
  expect(refs.length).toBeGreaterThan(REFS / 2);
  // Commits of their own, all refs at once; one that is a folder of another cannot be there with it.
  const chosen = refs.filter((ref) => refs.every((other) => !other.startsWith(`${ref}/`)) && ref.split('/').every((part) => Buffer.byteLength(part) < 250));
  const input = chosen.map((ref, at) => `commit refs/heads/${ref}\ncommitter Ada <ada@example.com> ${1_700_000_000 + at} +0000\ndata 1\nx\nfrom ${base}\n\n`).join('');
  execFileSync('git', ['--git-dir', repo.url, 'fast-import', '--quiet'], { input });
  const known = new Map(execFileSync('git', ['--git-dir', repo.url, 'for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads'], { encoding: 'utf8' }).split('\n').map((line) => [line.slice(41 + 'refs/heads/'.length), line.slice(0, 40)]));
  expect(chosen.filter((ref) => !known.has(ref))).toEqual([]);
  for (const [at, ref] of chosen.entries()) {
    const fetch = at % 10 ? '' : 'BG_SHA=$BG_SHA_FOUND BG_REPO=$BG_ROOT/repo.git BG_RELEASE=r; bg_fetch >/dev/null; git --git-dir="$BG_REPO" rev-parse refs/bluegreen/r';
    const { out, started } = agent({ BG_REPOSITORY: repo.url, BG_REF: ref }, `bg_survey_commit; printf '%s' "$BG_FACTS"; ${fetch}`);
    expect([ref, out.trim().split('\n')]).toEqual([ref, [`commit =${known.get(ref)}`, ...(fetch ? [known.get(ref)] : [])]]);
    const programs = started.map(([program = '', first = '']) => (program === 'git' ? first : program.split(' ')[0]));
    expect(['git-upload-pack', 'rev-list', 'index-pack', 'unpack-objects', 'pack-objects', 'fetch-pack']).toEqual(expect.arrayContaining([...new Set(programs)]));
  }
  // The other forms: a full name, the first digits of a commit, a tag.
  const some = chosen[0] ?? '';
  for (const ref of [`refs/heads/${some}`, known.get(some)?.slice(0, 9) ?? '', known.get(some) ?? '']) {
    expect(agent({ BG_REPOSITORY: repo.url, BG_REF: ref }, `bg_survey_commit; printf '%s' "$BG_FACTS"`).out.trim()).toBe(`commit =${known.get(some)}`);
  }
});
