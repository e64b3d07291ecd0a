/** Escape sequences of a terminal: CSI, OSC, DCS and the like, charset choices, two-character ones, a lone ESC. */
const escapes =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?|\x1b[ -/]+[0-~]?|\x1b[0-~]?/g;
const colour = /^\x1b\[[0-9;:]*m$/;
const controls = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;
const halfPair = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const unusual = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const beyondColour = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:]*m)/;

/** Whether a text holds anything that `plainText` would change. */
export function isUnusual(text: string): boolean {
  return unusual.test(text) || halfPair.test(text);
}

/** The text without escape sequences and without control characters, except `\n` and `\t`. */
export function plainText(text: string): string {
  return clean(text, () => '');
}

/** Like `plainText`, but colours (SGR sequences) stay. */
export function colourText(text: string): string {
  if (!beyondColour.test(text) && !halfPair.test(text)) return text;
  return clean(text, (sequence) => (colour.test(sequence) ? sequence : ''));
}

function clean(text: string, escape: (sequence: string) => string): string {
  if (!isUnusual(text)) return text;
  const rest = text.includes('\x1b') || /[\x80-\x9f]/.test(text) ? text.replace(escapes, escape) : text;
  const lines = rest.includes('\r') ? rest.split('\n').map(overwritten).join('\n') : rest;
  const shown = lines.replace(controls, '');
  return halfPair.test(shown) ? shown.replace(/\p{Surrogate}/gu, '\ufffd') : shown;
}

/** What a terminal still shows of a line in which carriage returns went back to its start: progress bars do that. */
function overwritten(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end--;
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}

/** `##[…]` is the runner's older form of a command, taken anywhere in a line and drawn by the log's page even while stopped. */
export function inert(text: string): string {
  return text.replaceAll('##[', '## [');
}

/** The first `bytes` bytes of a text (UTF-8), never half a character. */
function head(text: string, bytes: number): string {
  const buffer = Buffer.from(text);
  let end = Math.max(0, Math.min(bytes, buffer.length));
  while (end > 0 && end < buffer.length && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return buffer.toString('utf8', 0, end);
}

/**
 * A text of at most `bytes` bytes (UTF-8); what is longer is cut and ends with `line`, which says so.
 * GitHub's limits are in characters, which are never more than the bytes.
 */
export function cutText(text: string, bytes: number, line: string): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const ending = `\n\n${line}`;
  return `${head(text, bytes - Buffer.byteLength(ending))}${ending}`;
}

/** A text on one line of at most `bytes` bytes, cut with `…`; without escape sequences. */
export function oneLine(text: string, bytes = 1000): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim();
  return Buffer.byteLength(line) <= bytes ? line : `${head(line, bytes - 3)}…`;
}

const leftOut = '… (what came before is left out)\n';

/** The last `lines` lines of a text, at most `bytes` bytes in all; says so when something is left out. */
export function tail(text: string, lines: number, bytes: number): string {
  const all = text.replace(/\n+$/, '').split('\n');
  const last = Buffer.from(all.slice(-lines).join('\n'));
  if (all.length <= lines && last.length <= bytes) return last.toString();
  let from = Math.max(0, last.length - (bytes - Buffer.byteLength(leftOut)));
  while (from < last.length && ((last[from] ?? 0) & 0xc0) === 0x80) from++;
  return `${leftOut}${last.toString('utf8', from)}`;
}

/** Keeps the last output of a step, in bounded memory whatever is printed. Give it redacted text: it cuts anywhere. */
export class LastOutput {
  private text = '';

  constructor(private readonly keep = 32 * 1024) {}

  add(text: string): void {
    this.text += text.length > this.keep ? copy(text.slice(-this.keep)) : text;
    if (this.text.length > 2 * this.keep) this.text = copy(this.text.slice(-this.keep));
  }

  clear(): void {
    this.text = '';
  }

  /** The last lines, plain, at most `bytes` bytes. */
  last(lines: number, bytes: number): string {
    return tail(plainText(this.text.slice(-this.keep)), lines, bytes);
  }
}

/** A slice keeps the whole string that it came from in memory; a copy does not. */
function copy(text: string): string {
  return Buffer.from(text).toString();
}
