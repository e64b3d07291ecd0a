import { DeployError } from '../errors.js';

/**
 * A word of nginx's language. `text` is what nginx makes of it (quotes gone, escapes read); `start` and `end` are the
 * offsets of what stands in the file, quotes included.
 */
export interface Word {
  text: string;
  start: number;
  end: number;
}

export type Token = ({ kind: 'word' } & Word) | { kind: ';' | '{' | '}' | 'end'; start: number };

/** An error for a configuration that cannot be followed; `what` is what was found there, not the file's text. */
export function unreadable(file: string, line: number, what: string): DeployError {
  return new DeployError({
    what: `nginx's configuration cannot be followed at ${file}:${line}: ${what}`,
    next: 'Look at this line; `nginx -t` on the host shows what nginx makes of it. Write it in a plainer way if nginx accepts it.',
    settings: [],
  });
}

/** Gives the line number (from 1) of an offset; reads the text once. */
export function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

const isSpace = (char: string) => char === ' ' || char === '\t' || char === '\r' || char === '\n';

/** The escapes that nginx knows; before any other character a backslash stays. */
const ESCAPES: Record<string, string> = { '"': '"', "'": "'", '\\': '\\', t: '\t', r: '\r', n: '\n' };

function unescape(raw: string): string {
  if (!raw.includes('\\')) return raw;
  return raw.replace(/\\(["'\\trn])/g, (_whole, char: string) => ESCAPES[char] ?? char);
}

/**
 * Reads one token from `at`, as nginx's ngx_conf_read_token does: a backslash keeps the next character from meaning
 * anything, `{` right after `$` belongs to the word, `#` starts a comment only where a word could start, `}` inside a
 * word is part of it.
 * @throws DeployError that names file and line, for an unfinished word or text glued to a closing quote
 */
export function nextToken(text: string, at: number, fail: (offset: number, what: string) => DeployError): Token {
  let start = at;
  for (;;) {
    while (start < text.length && isSpace(text.charAt(start))) start++;
    if (text[start] !== '#') break;
    const newline = text.indexOf('\n', start);
    start = newline < 0 ? text.length : newline + 1;
  }
  const first = text[start];
  if (first === undefined) return { kind: 'end', start };
  if (first === ';' || first === '{' || first === '}') return { kind: first, start };
  return first === '"' || first === "'" ? quotedWord(text, start, first, fail) : bareWord(text, start, fail);
}

function quotedWord(text: string, start: number, quote: string, fail: (offset: number, what: string) => DeployError): Token {
  let end = start + 1;
  while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) throw fail(start, `the quote ${quote} that opens here is never closed`);
  const after = text[end + 1];
  if (after !== undefined && !isSpace(after) && after !== ';' && after !== '{' && after !== ')') {
    throw fail(end, 'a space or ";" is missing after the closing quote');
  }
  return { kind: 'word', text: unescape(text.slice(start + 1, end)), start, end: end + 1 };
}

function bareWord(text: string, start: number, fail: (offset: number, what: string) => DeployError): Token {
  let end = start;
  let variable = false;
  for (; end < text.length; end++) {
    const char = text.charAt(end);
    if (char === '{' && variable) continue;
    variable = char === '$';
    if (char === '\\') end++;
    else if (isSpace(char) || char === ';' || char === '{') break;
  }
  if (end >= text.length) throw fail(start, 'the file ends before the ";" of this directive');
  return { kind: 'word', text: unescape(text.slice(start, end)), start, end };
}
