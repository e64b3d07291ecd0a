// The fault matrix: every moment of a deploy crossed with everything that can die there, on real parts.
//   npm run test:faults                        all of it; docs/failures.md has to say what comes out
//   npm run test:faults -- --write             writes docs/failures.md
//   npm run test:faults -- --only switch-live --death cut --bed reload       some cells
// Ends with 1 when a cell did not end as it has to. As root alone: it makes small disks and looks into other sessions' processes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBed } from './bed.mjs';
import { runCell } from './cell.mjs';
import { allCells, momentOf } from './cells.mjs';
import { pageOf } from './page.mjs';

const page = fileURLToPath(new URL('../../docs/failures.md', import.meta.url));
const text = { type: 'string' };
const { values: asked } = parseArgs({ options: { only: text, death: text, bed: text, lanes: text, write: { type: 'boolean' } } });

if (process.getuid?.() !== 0) {
  console.error('NOT RUN: the fault matrix needs root, for disks of its own and to see which processes are left. Try: sudo npm run test:faults');
  process.exit(1);
}

const wanted = allCells().filter(({ point, death, bed }) => [[asked.only, point], [asked.death, death], [asked.bed, bed]].every(([one, other]) => !one || one.split(',').includes(other)));
if (!wanted.length) throw new Error('There is no such cell.');
const begun = performance.now();
const queues = new Map();
for (const cell of wanted) queues.set(cell.bed, [...(queues.get(cell.bed) ?? []), cell]);
const total = wanted.length;
let done = 0;
/** @type {{ cell: import('./cell.mjs').Cell, how: string, error?: Error, ms: number }[]} */
const results = [];

/** @type {Set<import('./bed.mjs').Bed>} */
const beds = new Set();
// Whoever ends it early gets his machine back as it was.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    for (const cells of queues.values()) cells.length = 0;
    await Promise.allSettled([...beds].map((bed) => bed.stop()));
    process.exit(1);
  });
}

async function stop(bed) {
  beds.delete(bed);
  await bed?.stop();
}

/** Takes cells of one kind of bed from the queue until it is empty; a bed in which something went wrong is not used again. */
async function lane() {
  for (let bed; ; ) {
    const kind = bed && queues.get(bed.kind)?.length ? bed.kind : [...queues].find(([, cells]) => cells.length)?.[0];
    const cell = kind && queues.get(kind)?.shift();
    if (!cell) return void (await stop(bed));
    if (bed && bed.kind !== kind) bed = void (await stop(bed));
    const cellBegun = performance.now();
    let how = 'went wrong';
    let error;
    try {
      bed ??= await startBed(kind);
      beds.add(bed);
      const came = await runCell(bed, cell, momentOf(cell.point));
      how = came.how;
      if (!cell.expected.split(' or ').includes(how)) throw new Error(`it was ${how}, and has to be ${cell.expected}:\n${came.log}`);
    } catch (caught) {
      error = caught;
      bed = void (await stop(bed));
    }
    results.push({ cell, how, error, ms: performance.now() - cellBegun });
    const mark = error ? '✗' : '✓';
    console.log(`${mark} ${String(++done).padStart(3)}/${total} ${cell.bed} ${cell.point} × ${cell.death}: ${how} (${((performance.now() - cellBegun) / 1000).toFixed(1)} s)`);
    if (error) console.log(error.stack.split('\n').map((line) => `    ${line}`).join('\n'));
  }
}

await Promise.all(Array.from({ length: Number(asked.lanes ?? 6) }, lane));

const wrong = results.filter(({ error }) => error);
const whole = wanted.length === allCells().length;
const text_ = pageOf(results.map(({ cell, how }) => ({ ...cell, how })));
console.log(`\n${text_.split('\n').filter((line) => line.startsWith('|')).join('\n')}`);
console.log(`\n${results.length} cells in ${((performance.now() - begun) / 1000).toFixed(0)} s, ${wrong.length} went wrong${wrong.length ? `: ${wrong.map(({ cell }) => `${cell.bed}/${cell.point}×${cell.death}`).join(', ')}` : ''}.`);
if (wrong.length) process.exitCode = 1;
else if (whole && asked.write) writeFileSync(page, text_);
else if (whole && (!existsSync(page) || readFileSync(page, 'utf8') !== text_)) {
  console.error('docs/failures.md does not say what came out. Look at why; then write it: npm run test:faults -- --write');
  process.exitCode = 1;
}
