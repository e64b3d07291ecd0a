// Looks at all processes that began after it, and at some files, over and over as fast as it can, for texts that must not be there.
// Gets its orders as JSON in a file, says `ready`, and tells what it saw when its standard input ends. Node's own modules only.
import { lstatSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** @type {{ forms: Record<string, string[]>, files: string[], folders: string[] }} `forms`: the texts of each secret; `files`: whose modes are told; `folders`: whose files are read */
const orders = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const there = new Set(pids());
const hits = new Map();
/** What was seen of each process last. @type {Map<string, { command: string, environ: string, ancestors: string[], were: string[] }>} */
const known = new Map();
const modes = {};
let samples = 0;

function pids() {
  return readdirSync('/proc').filter((name) => /^\d/.test(name));
}

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function parentOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '';
}

const commandOf = (pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();

function found(where, text, { command, ancestors }) {
  if (!text) return;
  for (const [secret, forms] of Object.entries(orders.forms)) {
    if (!forms.some((form) => text.includes(form))) continue;
    hits.set(`${where} ${secret} ${command}`, { where, secret, command, ancestors });
  }
}

/** The programs above a process, and those that they were before. Read first: it may end at once. */
function ancestorsOf(pid) {
  const parent = parentOf(pid);
  if (!parent || parent === '0') return [];
  const before = known.get(parent);
  return before ? [before.command, ...before.were, ...before.ancestors] : [commandOf(parent), ...ancestorsOf(parent)];
}

function lookAtProcesses() {
  for (const pid of pids()) {
    if (there.has(pid) || pid === String(process.pid)) continue;
    const before = known.get(pid);
    const ancestors = before?.ancestors ?? ancestorsOf(pid);
    const command = commandOf(pid);
    if (before?.command !== command) found('cmdline', command, { command, ancestors });
    const environ = read(`/proc/${pid}/environ`);
    // One that becomes another program, or ends, between two looks: the environment would be taken for the wrong one's.
    if (!command || command !== commandOf(pid)) continue;
    // Most are as they were at the last look.
    if (before?.command === command && before.environ === environ) continue;
    const were = before ? [before.command, ...before.were].slice(0, 4) : [];
    known.set(pid, { command, environ, ancestors, were });
    found('environ', environ, { command, ancestors: [...were, ...ancestors] });
  }
}

function filesIn(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  } catch {
    return [];
  }
}

function lookAtFiles() {
  for (const file of orders.files) {
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (stat) (modes[file] ??= new Set()).add((stat.mode & 0o7777).toString(8));
  }
  // What stands in files stays there longer.
  if (samples % 5) return;
  for (const folder of orders.folders) for (const file of filesIn(folder)) found('file', read(file), { command: file, ancestors: [] });
}

const begun = performance.now();
function look() {
  lookAtProcesses();
  lookAtFiles();
  samples++;
  setImmediate(look);
}
setImmediate(look);
process.stdin.resume().on('end', () => {
  writeSync(1, JSON.stringify({ hits: [...hits.values()], modes: Object.fromEntries(Object.entries(modes).map(([file, found]) => [file, [...found]])), samples, processes: known.size, ms: performance.now() - begun }));
  process.exit();
});
writeSync(1, 'ready\n');
