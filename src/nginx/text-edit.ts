import { applyChanges, type Change } from './server-lines.js';

/** Whole lines of a file that are replaced: `from..to` count from 1; `to` is `from - 1` where nothing is taken away. */
export interface Hunk {
  from: number;
  to: number;
  /** With its line ends. */
  text: string;
}

/** Changes of a text as replaced runs of whole lines, in order. */
export function hunksOf(text: string, changes: Change[]): Hunk[] {
  const spans: { start: number; end: number; changes: Change[] }[] = [];
  for (const change of [...changes].sort((one, other) => one.start - other.start)) {
    const start = lineStart(text, change.start);
    // A change that ends with a line ends before the next one.
    const end = change.end > change.start && text[change.end - 1] === '\n' ? change.end : lineEnd(text, change.end);
    const last = spans.at(-1);
    if (last && start < last.end) {
      last.end = Math.max(last.end, end);
      last.changes.push(change);
    } else spans.push({ start, end, changes: [change] });
  }
  return spans.map((span) => {
    const from = lineOf(text, span.start);
    const lines = text.slice(span.start, span.end).split('\n').length - (text[span.end - 1] === '\n' ? 1 : 0);
    return { from, to: from + lines - 1, text: applyChanges(text.slice(span.start, span.end), span.start, span.changes) };
  });
}

/** The line of an offset, from 1. */
export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

export const lineStart = (text: string, offset: number): number => (offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1);

/** The offset after the line feed of the line that holds an offset. */
export function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  return newline < 0 ? text.length : newline + 1;
}

/** Which line of the text as it was a line of the changed text is, or comes after. */
export function lineBefore(text: string, changes: Change[], line: number): number {
  const changed = applyChanges(text, 0, changes);
  let offset = 0;
  for (let at = 1; at < line; at++) offset = lineEnd(changed, offset);
  for (const { start, end, text: added } of [...changes].sort((one, other) => one.start - other.start)) {
    if (offset < start) break;
    offset = Math.max(start, offset - (added.length - (end - start)));
  }
  return lineOf(text, offset);
}
