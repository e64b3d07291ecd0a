import type { Problem } from '../errors.js';
import type { StepResult, StepStatus } from '../events.js';
import { fenced, inMarkdown } from '../markdown.js';
import { cutText, plainText, tail } from './clean.js';
import { duration } from './format.js';

/** Text from elsewhere, to be read as it is: one line in which Markdown and HTML mean nothing, and no address becomes a link. */
export const escapeMarkdown = (text: string): string => inMarkdown(plainText(text).trim()).replace(/\n+/g, '<br>');

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
