import { right, wrong, type Parsed } from './parsed.js';

/** One environment variable for the app and for every command. */
export interface EnvVariable {
  name: string;
  value: string;
}

/** The bound on the whole setting: Linux refuses one variable of 128 KiB. */
const MAX_BYTES = 100 * 1024;

const RESERVED = new Set(['PORT', 'RELEASE', 'SHA', 'SLOT', 'SOCKET']);

/**
 * Reads KEY=value lines. Blank lines and lines that begin with `#` are skipped. A value is
 * - bare: literal to the end of the line, white space around it trimmed;
 * - in single quotes: literal, may span lines;
 * - in double quotes: may span lines; `\n`, `\"`, `\\` and `\$` are escapes, any other backslash stays; nothing is expanded.
 *
 * Messages name the line, never the text in it: a line in the wrong place is often a piece of a secret.
 */
export function envVariables(text: string): Parsed<EnvVariable[]> {
  if (Buffer.byteLength(text) > MAX_BYTES) return wrong('must not be larger than 100 KB in all: put large data into a shared file');
  const variables: EnvVariable[] = [];
  const lineOf = new Map<string, number>();
  const problems: string[] = [];

  for (let at = 0, line = 1; at < text.length; ) {
    const entry = readEntry(text, at);
    if (entry.name !== undefined) {
      const problem = entry.problem ?? nameProblem(entry.name, lineOf);
      if (problem) problems.push(`line ${line}: ${problem}`);
      else variables.push({ name: entry.name, value: entry.value });
      if (!problem) lineOf.set(entry.name, line);
    }
    line += text.slice(at, entry.end).split('\n').length;
    at = entry.end + 1;
  }
  if (!problems.length && shellBytes(variables) > MAX_BYTES) return wrong('must not be larger than 100 KB with its quotes escaped: put large data into a shared file');
  return problems.length ? wrong(...problems) : right(variables);
}

/** The size as shell text: what stands in one variable on the host. A single quote takes four characters there. */
function shellBytes(variables: EnvVariable[]): number {
  return variables.reduce((sum, { name, value }) => sum + Buffer.byteLength(`export ${name}=''\n${value}`) + 3 * (value.split("'").length - 1), 0);
}

interface Entry {
  /** Missing for a blank line or a comment. */
  name?: string;
  value: string;
  /** Index of the newline after the entry, or the length of the text. */
  end: number;
  problem?: string;
}

/** Reads the entry that begins at the start of a line; it ends at the end of this line or of a later one. */
function readEntry(text: string, start: number): Entry {
  const end = lineEnd(text, start);
  const line = text.slice(start, end);
  const equals = line.indexOf('=');
  if (/^\s*(#|$)/.test(line)) return { value: '', end };
  if (equals < 0) return { name: '', value: '', end, problem: 'must be KEY=value; a value of several lines needs quotes around it' };

  const name = line.slice(0, equals).trim();
  const value = line.slice(equals + 1).trim();
  if (!value.startsWith("'") && !value.startsWith('"')) return { name, value, end };
  return readQuoted(text, name, start + equals + 1 + line.slice(equals + 1).indexOf(value));
}

function readQuoted(text: string, name: string, open: number): Entry {
  const quote = text.charAt(open);
  let value = '';
  for (let at = open + 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === quote) {
      const end = lineEnd(text, at);
      const problem = text.slice(at + 1, end).trim() === '' ? undefined : 'has text after the closing quote; put quotes of the other kind around the whole value';
      return { name, value, end, problem };
    }
    const escaped = quote === '"' && char === '\\' ? ESCAPES[text.charAt(at + 1)] : undefined;
    if (escaped !== undefined) at++;
    value += escaped ?? char;
  }
  return { name, value: '', end: text.length, problem: 'opens a quote that is never closed' };
}

const ESCAPES: Record<string, string> = { n: '\n', '"': '"', '\\': '\\', $: '$' };

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function nameProblem(name: string, lineOf: Map<string, number>): string | undefined {
  if (/^export\s/.test(name)) return 'must be KEY=value without export';
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'must begin with a name of letters, digits and _, not beginning with a digit';
  if (name === 'PATH') return 'PATH cannot be set here: use the setting path, which is put before PATH';
  if (RESERVED.has(name)) return `${name} is set by the deploy itself: use another name`;
  if (name.startsWith('BLUEGREEN_')) return 'names that begin with BLUEGREEN_ are kept for the deploy itself: use another name';
  const earlier = lineOf.get(name);
  return earlier === undefined ? undefined : `sets the same name as line ${earlier}: remove one of them`;
}
