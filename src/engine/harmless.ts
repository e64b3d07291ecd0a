import { inMarkdown } from '../markdown.js';

/** One line that does nothing: without escape sequences, control characters, and what turns the direction of text. */
export function harmless(text: string): string {
  return text
    .replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g, '')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}

/** The same for Markdown. */
export const escaped = (text: string): string => inMarkdown(harmless(text));
