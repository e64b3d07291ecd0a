import { DeployError } from '../errors.js';

/** Where `piece` stands in a text as whole lines: from a line's start to a line's end. */
function linesAt(text: string, piece: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
    const end = at + piece.length;
    if ((at === 0 || text[at - 1] === '\n') && (end === text.length || text[end] === '\n')) found.push(at);
  }
  return found;
}

/**
 * The reference for what the host does: replaces one region of whole lines by another.
 * @throws DeployError when `from` is not there exactly once, from a line's start to a line's end
 */
export function applyRegion(fileText: string, from: string, to: string): string {
  const [at, another] = linesAt(fileText, from);
  if (at === undefined || another !== undefined) {
    throw new DeployError({
      what: `The app's upstream ${at === undefined ? 'is not in' : 'stands more than once in'} nginx's file as it was read before`,
      next: 'Somebody else may have changed the file meanwhile: look at it, then deploy again.',
      settings: [],
    });
  }
  return fileText.slice(0, at) + to + fileText.slice(at + from.length);
}

/**
 * The smallest run of whole lines around `start..end` that is found exactly once, whichever variant of it is in place.
 * It does not end with an empty line: a shell variable would lose it.
 * @param variants each gives the text `from..to` as it is in one variant
 * @returns offsets of the region, without the final line feed; undefined when there is no such run
 */
export function findRegion(
  text: string,
  start: number,
  end: number,
  variants: ((from: number, to: number) => string)[],
): { from: number; to: number } | undefined {
  const bottom = lineEnd(text, Math.max(end, text.trimEnd().length));
  let from = start === 0 ? 0 : text.lastIndexOf('\n', start - 1) + 1;
  let to = lineEnd(text, end);
  const fits = () =>
    /[^\r\n]\r?$/.test(text.slice(Math.max(from, to - 2), to)) &&
    variants.every((variant) => {
      const piece = variant(from, to);
      return linesAt(text.slice(0, from) + piece + text.slice(to), piece).length === 1;
    });
  for (let up = true; !fits(); up = !up) {
    if (from === 0 && to >= bottom) return undefined;
    if ((up && from > 0) || to >= bottom) from = from < 2 ? 0 : text.lastIndexOf('\n', from - 2) + 1;
    else to = lineEnd(text, to + 1);
  }
  return { from, to };
}

function lineEnd(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline;
}
