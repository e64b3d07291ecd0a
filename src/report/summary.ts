import { summary } from '@actions/core';
import type { Conclusion, Event, Outcome, Reporter } from '../events.js';
import { cutText } from './clean.js';
import { gantt } from './gantt.js';
import { detailsMarkdown, escapeMarkdown, problemMarkdown, stepTable } from './markdown.js';
import { checkRunName, type RunInfo } from './run-info.js';

/** GitHub takes 1 MiB a step, and shows nothing of a summary that is longer. */
const longestSummary = 1024 * 1024 - 4096;
const longestDetails = 64 * 1024;

const emoji: Record<Conclusion, string> = { success: '✅', failure: '❌', cancelled: '🚫', skipped: '⏭️' };

/** The job summary of a run, as GitHub's Markdown. */
export function summaryMarkdown(outcome: Outcome, info: Pick<RunInfo, 'app' | 'environment'>): string {
  const { problem } = outcome;
  const chart = gantt(outcome.steps, info.app);
  const parts = [
    `### ${escapeMarkdown(checkRunName(info))}`,
    `${emoji[outcome.conclusion]} ${escapeMarkdown(outcome.sentence)}`,
    problem && problemMarkdown(problem),
    problem && detailsMarkdown(problem, longestDetails),
    stepTable(outcome.steps),
    chart && `\`\`\`mermaid\n${chart}\n\`\`\``,
    outcome.extra,
  ];
  return `${cutText(parts.filter(Boolean).join('\n\n'), longestSummary, '… (the rest is left out: a summary has at most 1 MiB)')}\n`;
}

/** Adds the job summary to the file that the runner names in GITHUB_STEP_SUMMARY; does nothing without it. */
export class SummaryReporter implements Reporter {
  constructor(private readonly info: Pick<RunInfo, 'app' | 'environment'>) {}

  start(): void {}

  event(_event: Event): void {}

  async finish(outcome: Outcome): Promise<void> {
    if (!process.env.GITHUB_STEP_SUMMARY) return;
    await summary.addRaw(summaryMarkdown(outcome, this.info)).write();
  }
}
