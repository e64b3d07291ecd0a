/** One line that does nothing: without escape sequences, control characters, and what turns the direction of text. */
export function harmless(text: string): string {
  return text
    .replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g, '')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}

/** Text in which Markdown and HTML mean nothing, and no address becomes a link, on one line. */
export function escaped(text: string): string {
  return harmless(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#$!]/g, '\\$&')
    .replace(/:\/\//g, '&#58;//')
    .replace(/www\./gi, (www) => `${www.slice(0, 3)}&#46;`)
    // An entity would not do: mail addresses and mentions are looked for in what entities became.
    .replace(/@(?=[a-z0-9])/gi, '@<!-- -->');
}

/** A block of text; its fence is longer than any run of backticks inside. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
