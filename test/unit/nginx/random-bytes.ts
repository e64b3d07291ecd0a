import { expect } from '@jest/globals';
import type { NginxConfig } from '../../../src/nginx/config.js';
import { parseFile } from '../../../src/nginx/parser.js';
import { applyRegion } from '../../../src/nginx/region.js';
import type { UpstreamEdit } from '../../../src/nginx/edit.js';
import type { SetupPlan } from '../../../src/nginx/setup.js';
import type { Slot } from '../../../src/nginx/upstream.js';
import { textOf, type Piece, type RandomConfig } from './random-config.js';

/** Text as its bytes, one character for each. */
export const toBytes = (text: string): string => Buffer.from(text).toString('latin1');

/** Bytes as the planner gets them: what is no UTF-8 is lost. */
export const decoded = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** The bytes of each file. */
export const filesOf = (config: RandomConfig): Map<string, string> => new Map([...config.files].map(([path, pieces]) => [path, textOf(pieces)]));

/** What `nginx -T` prints for them, decoded. */
export const dumpOfBytes = (files: Map<string, string>): string => decoded([...files].map(([path, text]) => `# configuration file ${path}:\n${text}\n`).join(''));

/** The file of the app's server lines once it was changed to a slot: the region, as it goes to the host, replaced in the file's own bytes. */
export function changedBytes(files: Map<string, string>, edit: UpstreamEdit, slot: Slot): string {
  return applyRegion(files.get(edit.file) ?? '', toBytes(edit.region), toBytes(edit[slot]));
}

const PORTS = { blue: '9501', green: '9502' };
const LOCAL = /^(127\.0\.0\.\d|localhost|\[::1\]):(9501|9502)$/;

/** The words that each of the app's server lines has to have, sorted, once a slot has the traffic. */
function wanted(lines: string[][], slot: Slot): string[][] {
  const portOf = (words: string[]) => LOCAL.exec(words[1] ?? '')?.[2];
  const ours = lines.filter(portOf);
  const one = new Set(ours.map(portOf)).size === 1;
  const allDown = ours.every((words) => words.includes('down'));
  return lines.map((words) => {
    if (!portOf(words)) return words;
    const [name = '', address = '', ...rest] = words;
    const up = rest.filter((word) => word !== 'down');
    if (one) return [name, address.replace(/\d+$/, PORTS[slot]), ...(allDown ? up : rest)];
    if (portOf(words) === PORTS[slot]) return [name, address, ...up];
    return rest.includes('down') ? words : [...words, 'down'];
  });
}

const sorted = (words: string[]): string[] => [...words.slice(0, 2), ...words.slice(2).sort()];

/** The server lines of a text that is these pieces but for them; undefined when other text differs. Each begins with `server` and ends with `;`. */
function serverLinesIn(pieces: Piece[], text: string): string[] | undefined {
  const [first, ...rest] = pieces;
  if (!first) return text === '' ? [] : undefined;
  if (!first.words) return text.startsWith(first.text) ? serverLinesIn(rest, text.slice(first.text.length)) : undefined;
  // A `;` may stand in a comment of the line, too: the first one after which all else fits.
  for (let at = text.indexOf(';'); at >= 0; at = text.indexOf(';', at + 1)) {
    const line = text.slice(0, at + 1);
    const more = /^server\s/.test(line) && isOneDirective(line) ? serverLinesIn(rest, text.slice(at + 1)) : undefined;
    if (more) return [line, ...more];
    if (at > first.text.length + 100) break;
  }
  return undefined;
}

function isOneDirective(text: string): boolean {
  try {
    return parseFile('line', text).length === 1;
  } catch {
    return false;
  }
}

/** The comments within a server line. */
function commentsIn(text: string): string[] {
  const words = parseFile('line', text)[0]?.words ?? [];
  return words.flatMap(({ end }, at) => text.slice(end, words[at + 1]?.start).match(/#[^\n]*\n/g) ?? []);
}

/** Fails unless all text but the app's server lines is there byte for byte, and these say what they have to. */
export function onlyServerLines(pieces: Piece[], after: string, slot: Slot, all: Piece[]): void {
  const found = serverLinesIn(pieces, after);
  if (!found) throw new Error(`something else than the server lines changed:\n${after}`);
  const have = found.map((text) => sorted(parseFile('line', text)[0]?.words.map((word) => word.text) ?? []));
  expect(found.map(commentsIn)).toEqual(pieces.flatMap(({ text, words }) => (words ? [commentsIn(text)] : [])));
  const lines = all.flatMap(({ words }) => (words ? [words] : []));
  const changed = wanted(lines, slot).filter((_, at) => pieces.some(({ words }) => words === lines[at]));
  expect(have).toEqual(changed.map(sorted));
}

/** Fails unless only the lines that setup names differ, and those in nothing but an include or another name in a pass. */
export function onlyShownLines(config: NginxConfig, plan: SetupPlan): void {
  for (const { file, before, after, hunks } of plan.writes) {
    if (!hunks || before === undefined) continue;
    expect(before).toBe(config.files.get(file));
    const old = before.split(/(?<=\n)/);
    let next = 1;
    let made = '';
    for (const { from, to, text } of hunks) {
      made += old.slice(next - 1, from - 1).join('') + text;
      next = to + 1;
      const taken = old.slice(from - 1, to);
      const kept = text.split(/(?<=\n)/).filter((line) => !ADDED.test(line));
      expect(kept.map(bare)).toEqual(taken.map(bare));
      const named = plan.shown.filter((shown) => shown.file === file).map(({ line }) => line);
      // A directive may begin a line or two above the word that changes.
      taken.forEach((line, at) => {
        if (line !== kept[at]) expect([from + at, from + at - 1, from + at - 2].some((one) => named.includes(one))).toBe(true);
      });
      // A line of its own is named by the one before which, or after which, it goes.
      if (kept.length < text.split(/(?<=\n)/).length) expect(named.some((line) => line >= from - 1 && line <= to)).toBe(true);
    }
    expect(made + old.slice(next - 1).join('')).toBe(after);
  }
}

/** A line that setup adds. */
const ADDED = /^[ \t]*include bluegreen\/shop-(http|server)\.conf;\r?\n?$/;

/** A line without what setup adds to it, and with the name that was there before. */
const bare = (line: string): string => line.replace(/include bluegreen\/shop-http\.conf; | include bluegreen\/shop-server\.conf;/g, '').replaceAll(/http:\/\/(\$bluegreen_shop|shop)/gi, 'http://shop');
