import { hasControlCharacter, right, wrong, type Parsed, type Parser } from './parsed.js';

/** Text of any shape, as it is. */
export const anyText: Parser<string> = (text) => right(text);

/** Shell commands, one line or several; line ends become plain newlines. */
export const commands: Parser<string> = (text) => right(text.replace(/\r\n/g, '\n'));

/** A parser for text of one line without control characters. */
export function oneLine(maxLength: number): Parser<string> {
  return (text) => {
    if (hasControlCharacter(text)) return wrong('must be one line without control characters');
    return text.length <= maxLength ? right(text) : wrong(`must not be longer than ${maxLength} characters`);
  };
}

/** A parser for text that a regular expression describes; `message` says in words what would be right. */
export function matching(pattern: RegExp, message: string): Parser<string> {
  return (text) => (pattern.test(text) ? right(text) : wrong(message));
}

/** `true` or `false`, in the three spellings that YAML 1.2 knows. */
export function yesOrNo(text: string): Parsed<boolean> {
  if (/^(true|True|TRUE)$/.test(text)) return right(true);
  if (/^(false|False|FALSE)$/.test(text)) return right(false);
  return wrong('must be true or false');
}

/** A parser for one word out of a few; a wrong one is answered with the nearest. */
export function choice<const Words extends readonly string[]>(words: Words): Parser<Words[number]> {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return right(word);
    const list = `${words.slice(0, -1).join(', ')} or ${words[words.length - 1] ?? ''}`;
    const near = nearest(text.slice(0, 40).toLowerCase(), words);
    return wrong(`must be ${list}${near ? `; did you mean ${near}?` : ''}`);
  };
}

/** The word with the fewest edits from `text`, if it takes fewer than half of the word. */
function nearest(text: string, words: readonly string[]): string | undefined {
  const ranked = words.map((word) => ({ word, edits: editDistance(text, word) })).sort((a, b) => a.edits - b.edits);
  return ranked.find(({ word, edits }) => edits * 2 <= word.length)?.word;
}

/** Levenshtein's distance: letters to add, remove or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
