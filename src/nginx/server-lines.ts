import { unreadable } from './lexer.js';
import type { ServerLine, Slot } from './upstream.js';

/** A piece of a file's text and what takes its place. Offsets count characters. */
export interface Change {
  start: number;
  end: number;
  text: string;
}

/** A `down` as it stands in a line: how it is written, the space before it, and how many words are before it. */
interface DownStyle {
  text: string;
  index: number;
  last: boolean;
}

const PLAIN: DownStyle = { text: ' down', index: 0, last: true };

/**
 * What makes these server lines serve one slot. With lines for one slot only, their port is replaced; with lines for
 * both, `down` moves from the new slot's lines to the other's. It is written on the one as it stood on the other, so
 * that a change there and back gives the same bytes.
 * @param lines the server lines that belong to a slot, all in `text`
 * @throws DeployError when a port is written in a way that cannot be replaced
 */
export function changesFor(text: string, lines: ServerLine[], slot: Slot, port: number): Change[] {
  const distinct = lines.filter((line, i) => lines.findIndex((other) => other.directive.start === line.directive.start) === i);
  if (distinct.every((line) => line.slot === distinct[0]?.slot)) {
    const allDown = distinct.every((line) => line.down);
    return distinct.flatMap((line) => [portChange(text, line, port), ...(allDown ? removals(text, line) : [])]);
  }
  const mine = distinct.filter((line) => line.slot === slot);
  const others = distinct.filter((line) => line.slot !== slot && !line.down);
  const styles = mine.filter((line) => line.down).map((line) => downStyle(text, line));
  return [
    ...mine.flatMap((line) => removals(text, line)),
    ...others.map((line, i) => addition(line, styles[Math.min(i, styles.length - 1)] ?? PLAIN)),
  ];
}

/** Applies changes, which do not overlap, to a piece of the text that starts at `offset`. */
export function applyChanges(piece: string, offset: number, changes: Change[]): string {
  return [...changes]
    .sort((one, other) => other.start - one.start)
    .reduce((text, change) => text.slice(0, change.start - offset) + change.text + text.slice(change.end - offset), piece);
}

function portChange(text: string, { directive, address }: ServerLine, port: number): Change {
  const word = directive.words[1];
  const digits = word && /([0-9]+)["']?$/.exec(text.slice(word.start, word.end));
  if (!word || !digits || Number(digits[1]) !== address?.port) {
    throw unreadable(directive.file, directive.line, 'the port of this server line is written in an unusual way');
  }
  const start = word.start + digits.index;
  return { start, end: start + (digits[1]?.length ?? 0), text: String(port) };
}

/** Where each `down` of a line stands, with the white space in front of it. */
function downs(text: string, { directive }: ServerLine): { start: number; end: number; gap: string; index: number }[] {
  return directive.words.flatMap((word, index) => {
    const before = directive.words[index - 1];
    if (word.text !== 'down' || !before) return [];
    const between = text.slice(before.end, word.start);
    const comment = between.trimEnd();
    // The line feed that ends a comment stays, or the comment would take in what follows.
    const gap = comment ? between.slice(between.indexOf('\n', comment.length) + 1) : between;
    return [{ start: word.start - gap.length, end: word.end, gap: comment ? '' : gap, index }];
  });
}

function removals(text: string, line: ServerLine): Change[] {
  return downs(text, line).map(({ start, end }) => ({ start, end, text: '' }));
}

function downStyle(text: string, line: ServerLine): DownStyle {
  const [down] = downs(text, line);
  if (!down) return PLAIN;
  const word = text.slice(down.start, down.end).trimStart();
  return { text: (down.gap || ' ') + word, index: down.index, last: down.index === line.directive.words.length - 1 };
}

/** Right after a word, never before the `;`: a comment may stand between them. */
function addition({ directive }: ServerLine, style: DownStyle): Change {
  const words = directive.words;
  const after = (style.last ? undefined : words[style.index - 1]) ?? words.at(-1);
  const at = after?.end ?? directive.end;
  return { start: at, end: at, text: style.text };
}
