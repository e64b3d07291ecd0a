export interface LuaPiece {
  kind: 'code' | 'string' | 'comment';
  start: number;
  end: number;
}

/** A long bracket (`[[`, `[==[`) at `at`: where what it opens ends, or undefined if there is none. */
function longBracketEnd(text: string, at: number): number | undefined {
  const open = /^\[(=*)\[/.exec(text.slice(at, at + 64));
  if (!open) return undefined;
  const close = text.indexOf(`]${open[1] ?? ''}]`, at + open[0].length);
  return close < 0 ? text.length : close + open[0].length;
}

/** The piece of Lua that starts at `at`: a comment, a string, or one character of code. */
function pieceAt(text: string, at: number): LuaPiece {
  if (text.startsWith('--', at)) {
    const newline = text.indexOf('\n', at);
    return { kind: 'comment', start: at, end: longBracketEnd(text, at + 2) ?? (newline < 0 ? text.length : newline) };
  }
  const quote = text[at];
  if (quote === '"' || quote === "'") {
    let end = at + 1;
    while (end < text.length && text[end] !== quote && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
    return { kind: 'string', start: at, end: Math.min(end + 1, text.length) };
  }
  const long = quote === '[' ? longBracketEnd(text, at) : undefined;
  return long === undefined ? { kind: 'code', start: at, end: at + 1 } : { kind: 'string', start: at, end: long };
}

/**
 * The end of a `*_by_lua_block { … }`: braces in strings and comments do not count.
 * @param from the offset after the opening brace
 * @returns the offset of the closing brace, or undefined when there is none
 */
export function luaBlockEnd(text: string, from: number): number | undefined {
  let depth = 1;
  for (let at = from; at < text.length; at = pieceAt(text, at).end) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return undefined;
}

/** Lua without its comments, each replaced by a space. */
export function luaWithoutComments(code: string): string {
  let rest = '';
  for (let at = 0; at < code.length; ) {
    const piece = pieceAt(code, at);
    rest += piece.kind === 'comment' ? ' ' : code.slice(piece.start, piece.end);
    at = piece.end;
  }
  return rest;
}
