import { expect, test } from '@jest/globals';
import { DeployError } from '../../../src/errors.js';
import { accessLogs } from '../../../src/nginx/access-log.js';
import { readConfig } from '../../../src/nginx/config.js';
import { upstreamEdit } from '../../../src/nginx/edit.js';
import { otherWays } from '../../../src/nginx/other-ways.js';
import { visitorRoutes } from '../../../src/nginx/routes.js';
import { planSetup } from '../../../src/nginx/setup.js';
import { seeded } from '../../random.js';
import { changedBytes, dumpOfBytes, filesOf, onlyServerLines, onlyShownLines } from './random-bytes.js';
import { randomConfig, type RandomConfig } from './random-config.js';
import { options } from './samples.js';
import { managedShop, readOptions } from './set-up.js';

const SEED = 20_261_124;
const ROUNDS = 3000;

const [port, socket] = [managedShop(), managedShop({ listen: 'socket' })];

/** The refusal of a configuration, or undefined. It has to name a file and a line, where it is not that something is not there at all. */
function refusalOf(call: () => void, { files }: RandomConfig, missing: string): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    const { what } = error.problem;
    const named = [...files.keys()].some((path) => what.includes(path) && /^(:\d|.* in line \d)/.test(what.slice(what.indexOf(path) + path.length)));
    if (!named && !(missing && what.includes(missing))) throw new Error(`names no file and line: ${what}`, { cause: error });
    return what;
  }
}

/** Edits it for both slots, there and back; gives why not. */
function edit(config: RandomConfig): string | undefined {
  const files = filesOf(config);
  const all = [...config.files.values()].flat();
  return refusalOf(() => {
    const read = readConfig(dumpOfBytes(files));
    otherWays(read, options);
    visitorRoutes(read, { upstream: 'shop', healthPath: '/healthz' });
    accessLogs(read, { upstreams: ['shop'], nginxV: '' });
    const found = upstreamEdit(read, options);
    for (const slot of ['blue', 'green'] as const) {
      const after = changedBytes(files, found, slot);
      onlyServerLines(config.files.get(found.file) ?? [], after, slot, all);
      const then = new Map(files).set(found.file, after);
      const next = upstreamEdit(readConfig(dumpOfBytes(then)), options);
      expect([next.file, next.serving]).toEqual([found.file, slot]);
      expect(changedBytes(then, next, slot)).toBe(after);
      // As the host does it, which has both texts from the first reading.
      const other = slot === 'blue' ? 'green' : 'blue';
      expect(changedBytes(then, { ...found, region: found[slot] }, other)).toBe(changedBytes(files, found, other));
    }
  }, config, config.broken === 'no upstream' ? 'has no upstream shop' : '');
}

/** Plans setup for ports and sockets; gives why not. */
function setUp(config: RandomConfig, form: 'port' | 'socket'): string | undefined {
  const [wanted, other] = form === 'port' ? [port, socket] : [socket, port];
  let trapped: string | undefined;
  const refused = refusalOf(() => {
    const read = readConfig(dumpOfBytes(filesOf(config)));
    const plan = planSetup(read, wanted, other, { ...readOptions, healthPath: '/healthz' });
    trapped = plan.traps[0]?.what;
    for (const trap of plan.traps) expect([...read.files.keys(), wanted.http.path, wanted.server?.path]).toContain(trap.file);
    if (!trapped && form === 'port') onlyShownLines(read, plan);
  }, config, 'no server block of nginx leads to the upstream shop');
  return refused ?? trapped;
}

test(`${ROUNDS} configurations made at random (seed ${SEED}): only server lines change, or a refusal with file and line`, () => {
  const random = seeded(SEED);
  const count = { edited: 0, refused: 0, setUp: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const config = randomConfig(random, { folder: '/etc/nginx', modules: true });
    const started = performance.now();
    try {
      const refused = edit(config);
      if (refused) count.refused++;
      else count.edited++;
      // What is not broken and not ambiguous is edited.
      if (refused && !config.broken && !/UTF-8|cannot be told from a copy|too long/.test(refused)) throw new Error(`refused without a cause: ${refused}`);
      if (!setUp(config, 'port')) count.setUp++;
      setUp(config, 'socket');
    } catch (error) {
      throw new Error(`seed ${SEED}, round ${round} (${config.broken || 'not broken'}): ${String(error)}\n${dumpOfBytes(filesOf(config))}`, { cause: error });
    }
    expect(performance.now() - started).toBeLessThan(5000);
  }
  expect(count.edited).toBeGreaterThan(ROUNDS / 2);
  expect(count.refused).toBeGreaterThan(ROUNDS / 50);
  expect(count.setUp).toBeGreaterThan(ROUNDS / 6);
}, 300_000);
