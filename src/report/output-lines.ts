import { colourText, isUnusual, plainText } from './clean.js';
import type { Redactor } from './redact.js';

const longestLine = 64 * 1024;

/**
 * Makes streamed output fit to be shown: whole lines, secrets redacted also where one came in two pieces, nothing left
 * of escape sequences but colours. Holds back at most one unfinished line of 64 KB.
 */
export class OutputLines {
  private rest = '';

  constructor(private readonly redact: Redactor) {}

  /** Takes output as it came; gives what can be shown of it now, maybe nothing. */
  push(text: string): string {
    const end = text.lastIndexOf('\n') + 1;
    const whole = end > 0 ? this.rest + text.slice(0, end) : '';
    this.rest = end > 0 ? text.slice(end) : this.rest + text;
    return this.show(whole) + (this.rest.length > longestLine ? this.overflow() : '');
  }

  /** Gives the unfinished last line: no more output comes. */
  end(): string {
    const rest = this.rest;
    this.rest = '';
    return this.show(rest);
  }

  /** Part of a line that is too long to wait for: all but its end, where a secret may have begun. */
  private overflow(): string {
    const line = this.redact(this.rest);
    const cut = Math.max(0, line.length - this.redact.longest);
    this.rest = line.slice(cut);
    return this.show(line.slice(0, cut));
  }

  private show(text: string): string {
    if (!isUnusual(text)) return this.redact(text);
    return this.coloured(text) ?? text.split('\n').map((line) => this.coloured(line) ?? this.redact(plainText(line))).join('\n');
  }

  /** The text with its colours, unless one stands inside a secret and would hide it from redaction. */
  private coloured(text: string): string | undefined {
    const shown = this.redact(colourText(text));
    return plainText(shown) === this.redact(plainText(text)) ? shown : undefined;
  }
}
