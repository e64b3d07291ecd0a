import { lineCounter, nextToken, unreadable, type Word } from './lexer.js';
import { luaBlockEnd } from './lua.js';

/** One directive as it stands in one file. Offsets count characters of the file's text. */
export interface Statement {
  file: string;
  /** The line of its name, from 1. */
  line: number;
  name: string;
  args: string[];
  /** Its name and arguments. */
  words: Word[];
  start: number;
  /** The offset after its `;` or `}`. */
  end: number;
  /** What stands in its braces; undefined for a directive that ends with `;`. */
  block: Statement[] | undefined;
  /** The Lua of a `*_by_lua_block`. */
  code: string | undefined;
}

/** No configuration nests as deep as this; it keeps the code that walks the tree from running out of stack. */
export const DEEPEST = 100;

/**
 * Reads one file of nginx's language into directives.
 * @throws DeployError that names file and line where the text cannot be followed
 */
export function parseFile(file: string, text: string): Statement[] {
  const lineOf = lineCounter(text);
  const fail = (offset: number, what: string) => unreadable(file, lineOf(offset), what);
  const top: Statement[] = [];
  const open: Statement[] = [];
  let words: Word[] = [];

  const add = (end: number, block: Statement[] | undefined, code: string | undefined): Statement => {
    const [name, ...args] = words.map((word) => word.text);
    const start = words[0]?.start ?? end;
    const statement = { file, line: lineOf(start), name: name ?? '', args, words, start, end, block, code };
    (open.at(-1)?.block ?? top).push(statement);
    words = [];
    return statement;
  };

  for (let at = 0; ; ) {
    const token = nextToken(text, at, fail);
    at = token.kind === 'word' ? token.end : token.start + 1;
    if (token.kind === 'word') {
      words.push({ text: token.text, start: token.start, end: token.end });
    } else if (token.kind === 'end') {
      const unclosed = open.at(-1);
      if (words[0]) throw fail(words[0].start, 'the file ends before the ";" of this directive');
      if (unclosed) throw fail(unclosed.start, 'the block that opens here is never closed');
      return top;
    } else if (token.kind === '}') {
      const closed = open.at(-1);
      if (words[0]) throw fail(token.start, 'unexpected "}", a ";" is missing before it');
      if (!closed) throw fail(token.start, 'unexpected "}", no block is open here');
      closed.end = at;
      open.pop();
    } else if (words.length === 0) {
      throw fail(token.start, `unexpected "${token.kind}", no directive stands before it`);
    } else if (token.kind === ';') {
      add(at, undefined, undefined);
    } else if (words[0]?.text.endsWith('_by_lua_block')) {
      const close = luaBlockEnd(text, at);
      if (close === undefined) throw fail(token.start, 'the Lua block that opens here is never closed');
      add(close + 1, undefined, text.slice(at, close));
      at = close + 1;
    } else {
      if (open.length >= DEEPEST) throw fail(token.start, `blocks are nested deeper than ${DEEPEST}`);
      open.push(add(at, [], undefined));
    }
  }
}
