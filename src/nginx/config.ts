import { DeployError } from '../errors.js';
import { globMatches, isPattern } from './glob.js';
import { unreadable } from './lexer.js';
import { DEEPEST, parseFile, type Statement } from './parser.js';

/** A directive in the loaded configuration: includes are replaced by what they bring. */
export interface Directive extends Omit<Statement, 'block'> {
  parent: Directive | undefined;
  block: Directive[] | undefined;
}

export interface NginxConfig {
  /** The main file's path, as nginx writes it. */
  main: string;
  /** Each loaded file's text by its path, in the order loaded. */
  files: Map<string, string>;
  /** The main context. */
  directives: Directive[];
}

/** More than any host has; ends files that include each other many times over. */
const MOST_DIRECTIVES = 500_000;

const MARKER = /(?<![^\n])# configuration file ([^\n]+):\n/g;

/**
 * Splits what `nginx -T` prints into files. nginx writes a marker line, the file's bytes and a line feed, each file
 * once (main() in src/core/nginx.c), so a marker for a file that came before is text of the file it stands in.
 * @throws DeployError when there is no marker line
 */
export function splitDump(dump: string): Map<string, string> {
  const marks: { path: string; start: number; text: number }[] = [];
  const seen = new Set<string>();
  for (const match of dump.matchAll(MARKER)) {
    const path = match[1] ?? '';
    if (seen.has(path)) continue;
    seen.add(path);
    marks.push({ path, start: match.index, text: match.index + match[0].length });
  }
  if (marks.length === 0) {
    throw new DeployError({
      what: '`nginx -T` did not print a configuration',
      next: 'Run the nginx command with -T on the host by hand: it must print the configuration and end with "test is successful".',
      settings: ['nginx-command'],
    });
  }
  return new Map(marks.map(({ path, text }, i) => [path, dump.slice(text, marks[i + 1]?.start).replace(/\n$/, '')]));
}

/** Puts the files of an include in the place of the include, and knows how far it may go. */
class Loader {
  private readonly parsed = new Map<string, Statement[]>();
  private count = 0;
  private readonly folder: string;
  readonly reached = new Set<string>();

  constructor(private readonly files: Map<string, string>, private readonly main: string) {
    this.folder = main.slice(0, main.lastIndexOf('/') + 1);
  }

  load(): Directive[] {
    return this.file(this.main, undefined, 0);
  }

  private file(path: string, parent: Directive | undefined, depth: number): Directive[] {
    this.reached.add(path);
    const known = this.parsed.get(path) ?? parseFile(path, this.files.get(path) ?? '');
    this.parsed.set(path, known);
    return this.link(known, parent, depth);
  }

  private link(statements: Statement[], parent: Directive | undefined, depth: number): Directive[] {
    return statements.flatMap((statement) => {
      if (depth > DEEPEST || ++this.count > MOST_DIRECTIVES) {
        throw unreadable(statement.file, statement.line, 'files that include each other make it endless or far too large');
      }
      const pattern = statement.block ? undefined : statement.name === 'include' ? statement.args[0] : undefined;
      if (pattern !== undefined) {
        return this.included(pattern, statement, parent).flatMap((path) => this.file(path, parent, depth + 1));
      }
      const directive: Directive = { ...statement, parent, block: undefined };
      if (statement.block) directive.block = this.link(statement.block, directive, depth + 1);
      return [directive];
    });
  }

  /** Relative paths start at the main file's folder, whichever file the include stands in (ngx_conf_include). */
  private included(pattern: string, statement: Statement, parent: Directive | undefined): string[] {
    const path = pattern.startsWith('/') ? pattern : this.folder + pattern;
    if (isPattern(path)) return [...this.files.keys()].filter((file) => globMatches(path, file)).sort();
    if (this.files.has(path)) return [path];
    // nginx loads a compiled geo base (`x.conf.bin`) instead of the file, and does not print it.
    if (parent?.name === 'geo') return [];
    throw unreadable(statement.file, statement.line, `the file that is included here, ${path}, is not in what \`nginx -T\` printed`);
  }
}

/**
 * Reads what `nginx -T` prints on its standard output into one tree. Only files that it printed are used. A marker
 * line that no include leads to is text of the file it stands in.
 * @param dump decoded so that it can be encoded again to the same bytes (UTF-8, or latin1 for any bytes)
 * @throws DeployError naming file and line where the configuration cannot be followed
 */
export function readConfig(dump: string): NginxConfig {
  const files = splitDump(dump);
  for (;;) {
    const main = [...files.keys()][0] ?? '';
    const loader = new Loader(files, main);
    const directives = loader.load();
    const stray = [...files.keys()].findIndex((path) => !loader.reached.has(path));
    if (stray < 1) return { main, files, directives };
    mergeIntoPrevious(files, stray);
  }
}

/** The same for files that are known one by one, the main file first: what no include leads to is left out. */
export function readFiles(files: Map<string, string>): NginxConfig {
  const main = [...files.keys()][0] ?? '';
  return { main, files, directives: new Loader(files, main).load() };
}

function mergeIntoPrevious(files: Map<string, string>, stray: number): void {
  const all = [...files.entries()];
  const [before, found] = [all[stray - 1], all[stray]];
  if (!before || !found) return;
  files.set(before[0], `${before[1]}\n# configuration file ${found[0]}:\n${found[1]}`);
  files.delete(found[0]);
}

/** Every directive below, each before what stands in its block. */
export function* walk(directives: Directive[] | undefined): Generator<Directive> {
  for (const directive of directives ?? []) {
    yield directive;
    yield* walk(directive.block);
  }
}

/** The server blocks of http. */
export function httpServers(config: NginxConfig): Directive[] {
  const http = config.directives.filter((directive) => directive.name === 'http');
  return http.flatMap((context) => (context.block ?? []).filter((directive) => directive.name === 'server' && directive.block));
}

/** The nearest block of this name around a directive, or undefined. */
export function enclosing(directive: Directive, name: string): Directive | undefined {
  for (let at = directive.parent; at; at = at.parent) if (at.name === name) return at;
  return undefined;
}

/** The names of the blocks around a directive, outermost first: `['http', 'server', 'location']`. */
export function contextOf(directive: Directive): string[] {
  return directive.parent ? [...contextOf(directive.parent), directive.parent.name] : [];
}

/** `file:line`, as messages write it. */
export const place = (directive: { file: string; line: number }): string => `${directive.file}:${directive.line}`;
