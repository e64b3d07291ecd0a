import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DeployError } from '../../src/errors.js';
import { quote } from '../../src/host/quote.js';
import { readConfig } from '../../src/nginx/config.js';
import { upstreamEdit, type UpstreamEdit } from '../../src/nginx/edit.js';
import { planSetup } from '../../src/nginx/setup.js';
import type { Slot } from '../../src/nginx/upstream.js';
import { siteConfig } from '../../testbed/nginx.mjs';
import { startStage } from '../../testbed/stage.mjs';
import { seeded } from '../random.js';
import { changedBytes, decoded, dumpOfBytes, filesOf, toBytes } from '../unit/nginx/random-bytes.js';
import { randomConfig } from '../unit/nginx/random-config.js';
import { managedShop } from '../unit/nginx/set-up.js';

jest.setTimeout(600_000);

const SEED = 20_261_125;
const ROUNDS = 300;

const options = { upstream: 'shop', ports: [9501, 9502] as [number, number], isLocal: () => false };
const src = new URL('../../src/', import.meta.url).pathname;
const agent = ['host/agent/base.sh', 'nginx/nginx.sh', 'engine/steps/setup.sh'].map((file) => `. ${join(src, file)}`).join('\n');

/** The shells and the awks that hosts have, of those that are here. */
const busybox = '/usr/bin/busybox';
const shells = ['/usr/bin/dash', '/usr/bin/bash', `${busybox} ash`].filter((shell) => existsSync(shell.split(' ')[0] ?? ''));
const awks = ['/usr/bin/mawk', busybox, '/usr/bin/gawk', '/usr/bin/original-awk'].filter((awk) => existsSync(awk));
const applets = ['awk', 'cat', 'sed', 'cp', 'mv', 'rm', 'readlink'];

let dir = '';
/** A PATH for each awk; busybox brings its other programs, too. */
let paths: string[] = [];
beforeAll(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-fuzz-')));
  paths = awks.map((awk, at) => {
    const folder = join(dir, `bin${at}`);
    mkdirSync(folder);
    for (const name of awk === busybox ? applets : ['awk']) symlinkSync(awk, join(folder, name));
    return `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`;
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const write = (path: string, bytes: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.from(bytes, 'latin1'));
};
const bytesOf = (path: string): string => readFileSync(path, 'latin1');
const writeAll = (files: Map<string, string>): void => files.forEach((bytes, path) => write(path, bytes));

/** nginx's main folder of one round, and how to call nginx there. */
function newFolder(round: number) {
  const prefix = join(dir, `nginx${round}`);
  mkdirSync(join(prefix, 'conf'), { recursive: true });
  const args = ['-p', `${prefix}/`, '-e', join(prefix, 'error.log'), '-c', join(prefix, 'conf/nginx.conf')];
  const nginx = (what: string) => spawnSync('/usr/sbin/nginx', [...args, what], { encoding: 'latin1', maxBuffer: 1e8 });
  return { prefix, folder: join(prefix, 'conf'), nginx };
}

/** What a real nginx needs to test a configuration here. */
const needs = { main: 'error_log error.log;\npid nginx.pid;\n', http: 'access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;' };

/** Runs a script with the agent's functions, as the agent runs it: the texts are assignments that a shell reads. */
function onHost(script: string, shell: string, path: string): { status: number | null; said: string } {
  const [program = '', ...args] = shell.split(' ');
  const { status, stderr } = spawnSync(program, args, { input: Buffer.from(`${agent}\n${script}\n`), env: { PATH: path, LC_ALL: 'C.UTF-8' }, encoding: 'latin1' });
  return { status, said: stderr };
}

const swap = (file: string, from: string, to: string) => `BG_NG_FILE=${quote(file)}\n_from=${quote(from)}\n_to=${quote(to)}\nbg_nginx_write "$_from" "$_to"`;

/** The edit of a file by the host, for a slot and back again; it has to be the planner's own, byte for byte. */
function editOnHost(files: Map<string, string>, edit: UpstreamEdit, slot: Slot, shell: string, path: string): void {
  const other = slot === 'blue' ? 'green' : 'blue';
  const before = files.get(edit.file) ?? '';
  write(edit.file, before);
  chmodSync(edit.file, 0o640);
  const there = onHost(swap(edit.file, edit.region, edit[slot]), shell, path);
  expect([shell, path, there]).toEqual([shell, path, { status: 0, said: '' }]);
  expect(bytesOf(edit.file)).toBe(changedBytes(files, edit, slot));
  expect(onHost(swap(edit.file, edit[slot], edit[other]), shell, path)).toEqual({ status: 0, said: '' });
  expect(bytesOf(edit.file)).toBe(changedBytes(files, edit, other));
  // Put back, as after a test that failed.
  expect(onHost(swap(edit.file, edit[other], edit.region), shell, path)).toEqual({ status: 0, said: '' });
  expect(bytesOf(edit.file)).toBe(before);
  expect(lstatSync(edit.file).mode & 0o777).toBe(0o640);
  expect(readdirSync(dirname(edit.file)).filter((name) => name.startsWith('.bluegreen'))).toEqual([]);
}

function refusedOr<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof DeployError) return undefined;
    throw error;
  }
}

test(`${ROUNDS} configurations made at random (seed ${SEED}): what nginx accepts and the planner edits, nginx accepts again, and the host's edit is the planner's`, () => {
  const random = seeded(SEED);
  const count = { accepted: 0, edited: 0, brokenToNginx: 0, setUp: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const { prefix, folder, nginx } = newFolder(round);
    const config = randomConfig(random, { folder, ...needs, modules: false });
    const files = filesOf(config);
    try {
      writeAll(files);
      const dump = nginx('-T');
      if (dump.status === 0) count.accepted++;
      else {
        // Nothing that nginx refuses is edited, in a real run: its status says so. Here the generator is checked by it.
        if (!config.broken) throw new Error(`the generator made what nginx refuses: ${dump.stderr}`);
        count.brokenToNginx++;
        continue;
      }
      // nginx's own word for which files there are, and what stands in them.
      const read = readConfig(decoded(dump.stdout));
      expect([...read.files].map(([path, text]) => [path, text]).sort()).toEqual([...readConfig(dumpOfBytes(files)).files].map(([path, text]) => [path, text]).sort());
      const edit = refusedOr(() => upstreamEdit(read, options));
      if (edit) {
        count.edited++;
        for (const slot of ['blue', 'green'] as const) {
          write(edit.file, changedBytes(files, edit, slot));
          expect(nginx('-t')).toMatchObject({ status: 0 });
        }
        editOnHost(files, edit, random(2) ? 'blue' : 'green', shells[round % shells.length] ?? '', paths[Math.floor(round / shells.length) % paths.length] ?? '');
      }
      if (setUpOnHost(files, read, folder, nginx, random)) count.setUp++;
    } catch (error) {
      throw new Error(`seed ${SEED}, round ${round} (${config.broken || 'not broken'}): ${String(error)}\n${dumpOfBytes(files)}`, { cause: error });
    } finally {
      rmSync(prefix, { recursive: true, force: true });
    }
  }
  expect(count.edited).toBeGreaterThan(ROUNDS / 2);
  expect(count.brokenToNginx).toBeGreaterThan(0);
  expect(count.setUp).toBeGreaterThan(ROUNDS / 10);
});

/** The writes of setup, in their order and as the host makes them: nginx takes what is there after each. Gives whether it could be set up. */
function setUpOnHost(files: Map<string, string>, read: ReturnType<typeof readConfig>, folder: string, nginx: (what: string) => { status: number | null }, random: (below: number) => number): boolean {
  writeAll(files);
  const root = join(folder, 'srv/shop');
  const changes = { folder, root };
  const [wanted, other] = [managedShop(changes), managedShop({ ...changes, listen: 'socket' })];
  const plan = refusedOr(() => planSetup(read, wanted, other, { ...options, root, curl: true, healthPath: '/healthz' }));
  if (!plan || plan.traps.length) return false;
  const [shell = '', path = ''] = [shells[random(shells.length)], paths[random(paths.length)]];
  for (const { file, after, hunks } of plan.writes) {
    if (hunks) {
      const words = hunks.flatMap(({ from, to, text }) => [String(from), String(to), text]).map(quote).join(' ');
      const made = onHost(`bg_setup_lines ${quote(file)} ${words} >${quote(`${file}.made`)} && mv ${quote(`${file}.made`)} ${quote(file)}`, shell, path);
      expect([shell, path, made]).toEqual([shell, path, { status: 0, said: '' }]);
      expect(bytesOf(file)).toBe(toBytes(after));
    } else {
      write(file, toBytes(after));
    }
    expect(nginx('-t')).toMatchObject({ status: 0 });
  }
  return true;
}

test('a file with bytes that an awk may lose: the right bytes, or not touched at all', () => {
  const { prefix, folder } = newFolder(ROUNDS);
  const file = join(folder, 'nul.conf');
  const line = (port: number) => ` server 127.0.0.1:${port};`;
  const text = (port: number) => `# a\0b\nupstream shop {\n${line(port)}\n}\n# \0\n`;
  const statuses = shells.flatMap((shell) =>
    paths.map((path) => {
      write(file, text(9501));
      const { status } = onHost(swap(file, line(9501), line(9502)), shell, path);
      expect([shell, path, status, bytesOf(file)]).toEqual([shell, path, status, text(status === 0 ? 9502 : 9501)]);
      expect(readdirSync(folder)).toEqual(['nul.conf']);
      return status;
    }),
  );
  expect(statuses.every((status) => status === 0 || status === 5)).toBe(true);
  rmSync(prefix, { recursive: true });
});

test('an upstream in one very long line is edited by a deploy, and refused before anything is done where it is too long', async () => {
  const stage = await startStage({ config: ({ site, blue }) => siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue}; keepalive 8;` }) });
  try {
    const before = stage.nginx.read();
    const wide = (width: number) => before.replace('keepalive 8;', `keepalive 8;${' '.repeat(width)}`);
    stage.nginx.write(wide(19_000));
    const one = await stage.deploy(stage.repo.commit({ version: 'one' }));
    expect(one.log).toContain('is live on green');
    expect(stage.nginx.read()).toBe(wide(19_000).replace(`:${stage.ports.blue};`, `:${stage.ports.green};`));
    stage.nginx.write(wide(60_000).replace(`:${stage.ports.blue};`, `:${stage.ports.green};`));
    const two = await stage.deploy(stage.repo.commit({ version: 'two' }));
    expect(two.code).toBe(1);
    expect(two.log).toContain('stands in lines that are too long to be replaced as a whole');
  } finally {
    await stage.stop();
  }
});
