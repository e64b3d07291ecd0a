/** What a parser gives: the value, or in words what is wrong and what would be right, one line for each mistake. */
export type Parsed<T> = { value: T } | { wrong: string[] };

/** A parser takes the text as the user wrote it and never throws. */
export type Parser<T> = (text: string) => Parsed<T>;

export function right<T>(value: T): Parsed<T> {
  return { value };
}

export function wrong(...messages: string[]): { wrong: string[] } {
  return { wrong: messages };
}

/** The same parser, for a setting that may be left empty: empty text gives `empty`. */
export function optional<T, E>(empty: E, parse: Parser<T>): Parser<T | E> {
  return (text) => (text === '' ? right(empty) : parse(text));
}

/** True when the text holds a control character, line breaks and tabs included. */
export function hasControlCharacter(text: string): boolean {
  return /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text);
}

/**
 * The items of a list: one per line, or separated by commas; white space around an item and empty items do not count.
 */
export function items(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
