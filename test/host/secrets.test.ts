import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startGitHub } from '../../testbed/github.mjs';
import { until } from '../../testbed/processes.mjs';
import { newKey } from '../../testbed/sshd.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { startGitServer } from './git-server.js';

jest.setTimeout(180_000);

type Stage = Awaited<ReturnType<typeof startStage>>;
type Run = Awaited<ReturnType<Stage['deploy']>>;
interface Seen {
  hits: { where: string; secret: string; command: string; ancestors: string[] }[];
  modes: Record<string, string[]>;
  samples: number;
  processes: number;
  ms: number;
}

/** A text that stands nowhere else; letters and digits alone, so that no quoting and no URL-encoding changes it. */
const mark = (name: string): string => `mk${name}${randomBytes(9).toString('hex')}`;

const marks = { plain: mark('plain'), quoted: mark('quoted'), lineA: mark('linea'), lineB: mark('lineb'), lineC: mark('linec'), token: mark('token'), github: mark('github'), passphrase: mark('passphrase') };

const values: Record<string, string> = {
  PLAIN_SECRET: `p-${marks.plain}-p`,
  QUOTED_SECRET: `it's "${marks.quoted}" $HOME \`id\` \\ end's`,
  LINES_SECRET: `first ${marks.lineA} line\nsecond '${marks.lineB}' "line" $it\nthird ${marks.lineC} line`,
};
const env = Object.entries(values).map(([name, value]) => `${name}="${value.replace(/["\\$]/g, '\\$&')}"`).join('\n');

/** A text in base64, whatever stands before it: the part that is always the same. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString('base64');
    return encoded.slice(Math.ceil((before * 4) / 3), Math.floor(((before + text.length) * 4) / 3));
  });
}

/** Says its environment in every way that is usual. */
const tell = `import { inspect } from 'node:util';
console.log(inspect(process.env), JSON.stringify(process.env), JSON.stringify(process.env, null, 2));
for (const [name, value] of Object.entries(process.env)) console.log(name + '=' + encodeURIComponent(value), name + ' ' + Buffer.from(value).toString('base64'), name + ' ' + Buffer.from('user:' + value).toString('base64url'));
console.error(process.env.PLAIN_SECRET);
`;
const telling = `env; export -p; set; env | base64 -w 0; ${process.execPath} tell.mjs`;

/** Who may have values of \`env\` in its environment: the user's own commands and app, and what they start. */
const isUsers = (command: string): boolean => /BLUEGREEN_ENV|^\S*node (tell|server)\.mjs/.test(command);
/** Who may have the token there: git, what git starts, and the helper that gives it to git. */
const isGits = (command: string): boolean => /^(\S*\/)?git(-\S+)? |^\S*sh -c .*BLUEGREEN_TOKEN|^(\S*\/)?git-remote-https/.test(command);
/** The runner hands the inputs to the action in its environment. */
const isAction = (command: string): boolean => /dist\/(index|post)\.js/.test(command);

describe('secrets', () => {
  let stage: Stage;
  let server: Awaited<ReturnType<typeof startGitServer>>;
  let github: Awaited<ReturnType<typeof startGitHub>>;
  let home = '';
  let temporary = { host: '', runner: '' };
  let forms: Record<string, string[]> = {};
  let inputs: Record<string, string> = {};

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'bg-secret-home-'));
    temporary = { host: mkdtempSync(join(tmpdir(), 'bg-secret-tmp-')), runner: mkdtempSync(join(tmpdir(), 'bg-secret-runner-')) };
    stage = await startStage({ env: { HOME: home, TMPDIR: temporary.host, GIT_SSL_NO_VERIFY: '1' } });
    server = await startGitServer(join(stage.dir, 'repo'), stage.dir, marks.token);
    github = await startGitHub({ token: marks.github });
    const key = newKey(join(stage.dir, 'ssh'), 'ed25519', marks.passphrase, { name: 'encrypted' });
    stage.sshd.authorize(key.publicKey);
    const lines = key.privateKey.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'));
    const all = { ...marks, ...Object.fromEntries(lines.map((line, at) => [`key${at}`, line])) };
    forms = Object.fromEntries(Object.entries(all).map(([name, text]) => [name, [text, encodeURIComponent(text), ...base64Forms(text)]]));
    inputs = {
      'private-key': key.privateKey,
      passphrase: marks.passphrase,
      'github-token': marks.github,
      'repository-token': marks.token,
      repository: server.url,
      environment: 'production',
      env,
      install: telling,
      'before-switch': telling,
      'after-switch': telling,
      start: `${telling}; exec ${process.execPath} server.mjs`,
    };
  });
  afterAll(async () => {
    await stage?.stop();
    await server?.stop();
    await github?.close();
    for (const dir of [home, temporary.host, temporary.runner]) rmSync(dir, { recursive: true, force: true });
  });

  let version = 0;
  const commit = (how: object = {}) => stage.repo.commit({ version: `v${++version}`, ...how }, { 'tell.mjs': tell });

  const secretsIn = (text: string): string[] => Object.entries(forms).flatMap(([name, texts]) => (texts.some((form) => text.includes(form)) ? [name] : []));

  /** Files that hold a secret, with which; `mayHold` says which files are left out. */
  function holders(dir: string, mayHold: (path: string) => boolean = () => false): string[] {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) return holders(path, mayHold);
      if (!entry.isFile() || mayHold(path)) return [];
      return secretsIn(readFileSync(path, 'latin1')).map((name) => `${path}: ${name}`);
    });
  }

  /** Looks at processes and files while something is done. */
  async function watched<T>(act: () => Promise<T>): Promise<{ result: T; seen: Seen }> {
    const orders = join(stage.dir, 'orders.json');
    const slots = ['blue', 'green'].map((slot) => join(stage.root, 'slots', slot));
    writeFileSync(orders, JSON.stringify({ forms, files: slots.flatMap((slot) => [join(slot, 'env'), join(slot, 'env.new')]), folders: [join(stage.root, 'run'), temporary.host, temporary.runner] }));
    const sampler = spawn(process.execPath, [fileURLToPath(new URL('../../testbed/proc-sampler.mjs', import.meta.url)), orders], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    sampler.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = new Promise((resolve) => sampler.once('close', resolve));
    try {
      await until(() => said.includes('ready'), 'the sampler looks');
      const result = await act();
      sampler.stdin.end();
      await ended;
      return { result, seen: JSON.parse(said.replace('ready\n', '')) as Seen };
    } finally {
      sampler.kill('SIGKILL');
      rmSync(orders, { force: true });
    }
  }

  const deploy = (sha: string, more: Record<string, string> = {}, onStart?: (child: ChildProcess) => void) =>
    watched(() => stage.deploy(sha, { ...inputs, ...more }, { onStart, env: { GITHUB_API_URL: github.url, TMPDIR: temporary.runner } }));

  /** Nothing of it anywhere but where it has to be. `appTells`: the app's own log holds what the app prints. */
  function expectNothingLeaks({ result: run, seen }: { result: Run; seen: Seen }, appTells = true): void {
    // What the runner is told to hide is not shown by it.
    expect(secretsIn(run.log.replace(/^::add-mask::.*$/gm, ''))).toEqual([]);
    expect(secretsIn(run.summary)).toEqual([]);
    expect(secretsIn(JSON.stringify([run.outputs, run.state]))).toEqual([]);
    expect(github.requests.length).toBeGreaterThan(0);
    expect(secretsIn(JSON.stringify(github.requests))).toEqual([]);

    const isEnv = (path: string): boolean => /\/slots\/(blue|green)\/env$/.test(path);
    const isAppLog = (path: string): boolean => /\/app\.log(\.\d)?$/.test(path);
    expect(holders(stage.root, (path) => isEnv(path) || (appTells && isAppLog(path)))).toEqual([]);
    for (const dir of [home, temporary.host, temporary.runner, join(stage.dir, 'nginx'), join(stage.dir, 'repo')]) expect(holders(dir)).toEqual([]);
    for (const name of readdirSync('/tmp').filter((one) => /^bluegreen\./.test(one))) expect(holders(join('/tmp', name))).toEqual([]);

    expect(seen.samples).toBeGreaterThan(20);
    // Each moment of more than some milliseconds is looked at, on a busy machine too.
    expect(seen.ms / seen.samples).toBeLessThan(10);
    expect(seen.processes).toBeGreaterThan(20);
    expect(seen.hits.filter(({ where }) => where === 'cmdline' || where === 'file')).toEqual([]);
    const strange = seen.hits.filter(({ secret, command, ancestors }) => {
      if (isAction(command)) return false;
      if (secret === 'token') return ![command, ...ancestors].some(isGits);
      if (['github', 'passphrase'].includes(secret) || secret.startsWith('key')) return true;
      return ![command, ...ancestors].some(isUsers) || /bluegreen-(step|app)$/.test(command);
    });
    expect(strange).toEqual([]);
    // No moment with a wider mode, nor of the file before it gets its name.
    for (const found of Object.values(seen.modes)) expect(found).toEqual(['600']);
  }

  const told = (log: string): number => log.match(/PLAIN_SECRET[=: ]+['"]?\*\*\*/g)?.length ?? 0;

  test('a deploy whose commands and app print their whole environment', async () => {
    const done = await deploy('', { ref: commit() && 'main' });
    expect(done.result.code).toBe(0);
    expectNothingLeaks(done);
    // They did print it, and the sampler sees what there is: the user's own commands.
    expect(told(done.result.log)).toBeGreaterThan(10);
    expect(done.seen.hits.some(({ where, secret, command }) => where === 'environ' && secret === 'plain' && isUsers(command))).toBe(true);
    expect(done.seen.hits.some(({ where, secret }) => where === 'environ' && secret === 'token')).toBe(true);
    expect(Object.keys(done.seen.modes).some((file) => file.endsWith('/env'))).toBe(true);
    expect(readFileSync(join(stage.root, 'slots', stage.live(), 'env'), 'utf8')).toContain(marks.plain);
    expect(readFileSync(join(stage.root, 'slots', stage.live(), 'app.log'), 'utf8')).toContain(marks.plain);
    expect(statSync(join(stage.root, 'slots', stage.live(), 'app.log')).mode & 0o007).toBe(0);
  });

  test.each([
    ['install fails', { install: `${telling}; exit 3` }, {}],
    ['start fails', { start: `${telling}; exit 3` }, {}],
    ['the app crashes, having printed it', {}, { crash: true }],
    ['the app does not become healthy', { 'health-timeout': '1s' }, { unhealthy: true }],
    ['before-switch fails', { 'before-switch': `${telling}; exit 3` }, {}],
    ['after-switch fails', { 'after-switch': `${telling}; exit 3` }, {}],
    ['a command is not found', { install: `no-such-command ${'"$PLAIN_SECRET"'}` }, {}],
    ['the token is refused', { 'repository-token': `wrong${marks.token}` }, {}],
  ])('%s', async (what, more: Record<string, string>, how) => {
    const done = await deploy(commit(how), more);
    expect(done.result.code).toBe(what.startsWith('after') ? 0 : 1);
    expectNothingLeaks(done);
    if (/fails|printed|healthy/.test(what)) expect(told(done.result.log)).toBeGreaterThan(4);
  });

  test('a cancel while install prints it', async () => {
    const reached = join(stage.dir, 'reached');
    let child: ChildProcess | undefined;
    const running = deploy(commit(), { install: `${telling}; touch ${reached}; sleep 60` }, (started) => (child = started));
    await until(() => existsSync(reached), 'install runs');
    child?.kill('SIGINT');
    const done = await running;
    expect(done.result.log).toContain('cancelled before the switch');
    expectNothingLeaks(done);
  });

  test('a rollback, with the env that the release had', async () => {
    expect((await deploy(commit())).result.code).toBe(0);
    const more: Record<string, string> = { ...inputs, env: '', start: '' };
    const back = await watched(() => stage.rollback(more, { env: { GITHUB_API_URL: github.url, GITHUB_SHA: 'a'.repeat(40), TMPDIR: temporary.runner } }));
    expect(back.result.code).toBe(0);
    // The action does not know these values, and cannot hide what a command prints of them: nothing else may hold them.
    const { log, summary } = back.result;
    expect(secretsIn(summary)).toEqual([]);
    expectNothingLeaks({ ...back, result: { ...back.result, log: log.replace(/::group::(before|after)-switch[^]*?::endgroup::/g, '') } });
  });

  test("an app that prints nothing of it: its log holds nothing either, nor does nginx's", async () => {
    for (const slot of ['blue', 'green']) for (const name of readdirSync(join(stage.root, 'slots', slot))) if (name.startsWith('app.log.')) rmSync(join(stage.root, 'slots', slot, name));
    const start = `exec ${process.execPath} server.mjs`;
    for (let round = 0; round < 2; round++) expect((await deploy(commit(), { start })).result.code).toBe(0);
    for (const slot of ['blue', 'green']) for (const name of readdirSync(join(stage.root, 'slots', slot))) if (name.startsWith('app.log.')) rmSync(join(stage.root, 'slots', slot, name));
    const done = await deploy(commit(), { start });
    expect(done.result.code).toBe(0);
    expect(existsSync(join(stage.root, 'slots', stage.live(), 'app.log'))).toBe(true);
    for (const slot of ['blue', 'green']) rmSync(join(stage.root, 'slots', slot, 'app.log.1'), { force: true });
    expectNothingLeaks(done, false);
  });
});
