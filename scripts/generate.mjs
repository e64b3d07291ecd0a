// Writes what is made from something else: action.yml and README.md's tables of settings and outputs from the settings' schema, and its figures
// of traffic from bench/traffic.json.
//   node scripts/generate.mjs           writes
//   node scripts/generate.mjs --check   writes nothing; exits 1 and names what differs
// --root FOLDER works on the files of another folder; the schema is always this checkout's.
import { build } from 'esbuild';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { readmeTraffic } from '../bench/traffic-report.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false }, root: { type: 'string', default: here } } });

const docs = await importTypeScript(join(here, 'src/settings/docs.ts'));
const actionFile = resolve(options.root, 'action.yml');
const readmeFile = resolve(options.root, 'README.md');

const differing = [];
update('action.yml', actionFile, docs.actionYml());
update('README.md', readmeFile, readme(existsSync(readmeFile) ? readFileSync(readmeFile, 'utf8') : ''));

if (options.check && differing.length) {
  for (const difference of differing) console.error(difference);
  console.error('These files are made from src/settings and bench/traffic.json. Run: node scripts/generate.mjs');
  process.exitCode = 1;
}

/** Writes a file that differs; with --check only notes the first line that does. */
function update(name, file, wanted) {
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (present === wanted) return;
  if (options.check) differing.push(`${name} differs from what it is made from, from line ${firstDifference(present, wanted)} on`);
  else {
    writeFileSync(file, wanted);
    console.log(`wrote ${name}`);
  }
}

function firstDifference(one, other) {
  const [a, b] = [one.split('\n'), other.split('\n')];
  return a.findIndex((line, index) => line !== b[index]) + 1 || a.length + 1;
}

/** The README with both tables as they should be; text without markers gets them at its end. */
function readme(text) {
  const start = text || '# bluegreen-action\n';
  const tables = withSection(withSection(start, 'settings', docs.readmeTable()), 'outputs', docs.outputsTable());
  return withSection(tables, 'traffic', readmeTraffic(JSON.parse(readFileSync(join(here, 'bench/traffic.json'), 'utf8'))));
}

function withSection(text, name, table) {
  const [open, close] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const section = `${open}\n\n${table}\n\n${close}`;
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 && to < 0) return `${text.trimEnd()}\n\n## ${name[0].toUpperCase()}${name.slice(1)}\n\n${section}\n`;
  if (from < 0 || to < from) throw new Error(`README.md needs both markers in this order: ${open} and ${close}`);
  return text.slice(0, from) + section + text.slice(to + close.length);
}

/** Bundles a TypeScript module into a temporary file and imports that. */
async function importTypeScript(entry) {
  const folder = mkdtempSync(join(tmpdir(), 'bluegreen-generate-'));
  try {
    const outfile = join(folder, 'docs.mjs');
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
