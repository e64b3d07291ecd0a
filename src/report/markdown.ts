import type { Problem } from '../errors.js';
import type { StepResult, StepStatus } from '../events.js';
import { cutText, plainText, tail } from './clean.js';
import { duration } from './format.js';

/** Text from elsewhere, to be read as it is: one line in which Markdown and HTML mean nothing, and no address becomes a link. */
export function escapeMarkdown(text: string): string {
  return plainText(text)
    .trim()
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#$!]/g, '\\$&')
    .replace(/:\/\//g, '&#58;//')
    .replace(/www\./gi, (www) => `${www.slice(0, 3)}&#46;`)
    // An entity would not do: mail addresses and mentions are looked for in what entities became.
    .replace(/@(?=[a-z0-9])/gi, '@<!-- -->')
    .replace(/\n+/g, '<br>');
}

/** A fenced block; its fence is longer than any run of backticks inside. */
export function fenced(text: string): string {
  const runs = text.match(/`+/g) ?? [];
  const fence = '`'.repeat(runs.reduce((longest, run) => Math.max(longest, run.length), 2) + 1);
  return `${fence}text\n${text}\n${fence}`;
}

const emoji: Record<StepStatus, string> = { success: '✅', warning: '⚠️', failure: '❌', skipped: '⏭️', aborted: '⏹️' };
const longestCell = 2000;

/** The steps as a table: name, status, time, what was said. */
export function stepTable(steps: StepResult[]): string {
  const rows = steps.map((step) => {
    const said = step.notes.map((note) => escapeMarkdown(cutText(note.text, longestCell, '…'))).join('<br>');
    return `| ${escapeMarkdown(step.name)} | ${emoji[step.status]} ${step.status} | ${duration(step.ms)} | ${said} |`;
  });
  return rows.length ? ['| Step | Status | Time | |', '| --- | --- | ---: | --- |', ...rows].join('\n') : '';
}

/** What happened, where, what to do, which settings: paragraphs of Markdown. */
export function problemMarkdown(problem: Problem): string {
  const place = [problem.step && `step **${escapeMarkdown(problem.step)}**`, problem.host && `host **${escapeMarkdown(problem.host)}**`].filter(Boolean).join(', ');
  const settings = problem.settings.map((setting) => `\`${plainText(setting).replaceAll('`', '')}\``).join(', ');
  return [
    `**What happened:** ${escapeMarkdown(problem.what)}`,
    place && `**Where:** ${place}`,
    `**What to do:** ${escapeMarkdown(problem.next)}`,
    settings && `**Settings that change it:** ${settings}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** The end of a problem's details in a block, or nothing. `bytes`: at most so much of it. */
export function detailsMarkdown(problem: Problem, bytes: number): string {
  const details = plainText(problem.details).trimEnd();
  return details ? fenced(tail(details, 500, bytes)) : '';
}
