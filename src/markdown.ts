/** Text in which Markdown and HTML mean nothing, and no address becomes a link. Line feeds and control characters are the caller's to see to. */
export function inMarkdown(text: string): string {
  return text
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
export function fenced(text: string, language = 'text'): string {
  const runs = text.match(/`+/g) ?? [];
  const fence = '`'.repeat(runs.reduce((longest, run) => Math.max(longest, run.length), 2) + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
