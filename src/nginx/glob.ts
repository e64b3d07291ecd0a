/** Whether an include names files by a pattern; the same test as nginx's. */
export const isPattern = (path: string): boolean => /[*?[]/.test(path);

type Piece = { star: true } | { star: false; matches: (char: string) => boolean };

/** A set `[…]` whose text starts at `at`; undefined when it is not closed, `[` is an ordinary character then. */
function setAt(part: string, at: number): { end: number; matches: (char: string) => boolean } | undefined {
  const negated = part[at + 1] === '!' || part[at + 1] === '^';
  const first = at + (negated ? 2 : 1);
  const close = part.indexOf(']', first + 1);
  if (close < 0) return undefined;
  const set = part.slice(first, close);
  const holds = (char: string): boolean => {
    for (let i = 0; i < set.length; i++) {
      const last = set[i + 1] === '-' ? set[i + 2] : undefined;
      if (last !== undefined) {
        if (char >= set.charAt(i) && char <= last) return true;
        i += 2;
      } else if (set[i] === char) return true;
    }
    return false;
  };
  return { end: close + 1, matches: (char) => holds(char) !== negated };
}

function pieces(part: string): Piece[] {
  const found: Piece[] = [];
  for (let at = 0; at < part.length; ) {
    const set = part[at] === '[' ? setAt(part, at) : undefined;
    if (set) {
      found.push({ star: false, matches: set.matches });
      at = set.end;
    } else if (part[at] === '*') {
      found.push({ star: true });
      at++;
    } else if (part[at] === '?') {
      found.push({ star: false, matches: () => true });
      at++;
    } else {
      if (part[at] === '\\' && at + 1 < part.length) at++;
      const literal = part[at];
      found.push({ star: false, matches: (char) => char === literal });
      at++;
    }
  }
  return found;
}

/** One folder's or file's name against one part of the pattern. Goes back to the last `*` only, so it takes no long time. */
function partMatches(part: string, name: string): boolean {
  if (name.startsWith('.') && !part.startsWith('.')) return false;
  const pattern = pieces(part);
  let p = 0;
  let star = -1;
  let retry = 0;
  for (let n = 0; n < name.length; ) {
    const piece = pattern[p];
    if (piece?.star) {
      star = p++;
      retry = n;
    } else if (piece && piece.matches(name.charAt(n))) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++retry;
    } else return false;
  }
  return pattern.slice(p).every((piece) => piece.star);
}

/**
 * Whether glob(3), as nginx calls it, gives this path: `*`, `?` and sets stay within one folder and do not match a
 * leading dot.
 */
export function globMatches(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const names = path.split('/');
  return parts.length === names.length && parts.every((part, i) => partMatches(part, names[i] ?? ''));
}
