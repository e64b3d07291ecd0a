import type { Outcome } from '../events.js';
import { cutText, oneLine } from './clean.js';
import type { StepAnnotation } from './format.js';
import type { CheckAnnotation, CheckRunUpdate } from './github-api.js';
import { detailsMarkdown, escapeMarkdown, problemMarkdown, stepTable } from './markdown.js';
import type { RunInfo } from './run-info.js';

/** GitHub's limits: characters for the title and the two texts, bytes for an annotation's parts. */
const longestTitle = 255;
const longestText = 65_535;
const longestMessage = 60 * 1024;
const cutLine = '… (the rest is left out: a check run shows at most 65,535 characters)';

type Output = CheckRunUpdate['output'];

/** A step's annotation as the API takes it, on the first line of the workflow's file. */
export function checkAnnotation(annotation: StepAnnotation, path: string): CheckAnnotation {
  return {
    path,
    start_line: 1,
    end_line: 1,
    annotation_level: annotation.level,
    title: oneLine(annotation.step, longestTitle),
    message: cutText(annotation.message, longestMessage, '… (cut)') || annotation.step,
    ...(annotation.details ? { raw_details: cutText(annotation.details, longestMessage, '… (cut)') } : {}),
  };
}

/** What the check run says while the run is under way. */
export function progressOutput(info: RunInfo, step: string): Output {
  const title = oneLine(`${info.command} of ${info.app}: ${step || 'starting'}`, longestTitle);
  return { title, summary: `${escapeMarkdown(title)}, on its way.`, text: runLink(info) };
}

/** What the check run says at the end: the outcome and what to do in its summary; the run, the steps and details in its text. */
export function finalOutput(info: RunInfo, outcome: Outcome): Output {
  const { problem } = outcome;
  const summary = [escapeMarkdown(outcome.sentence), problem && problemMarkdown(problem)];
  const text = [runLink(info), stepTable(outcome.steps), problem && detailsMarkdown(problem, 16 * 1024)];
  return { title: titleOf(outcome), summary: limited(summary), text: limited(text) };
}

/** The least that can be said, for when GitHub refuses the whole. */
export function shortOutput(info: RunInfo, outcome: Outcome): Output {
  return { title: titleOf(outcome), summary: escapeMarkdown(titleOf(outcome)), text: runLink(info) };
}

function titleOf(outcome: Outcome): string {
  return oneLine(outcome.sentence, longestTitle) || outcome.conclusion;
}

/** GitHub may list a check run under another run of the same commit: the text says which run made it. */
function runLink(info: RunInfo): string {
  return info.runUrl ? `[The workflow's run](${info.runUrl}), attempt ${info.runAttempt}. ${info.runUrl}` : '';
}

function limited(parts: (string | undefined)[]): string {
  return cutText(parts.filter(Boolean).join('\n\n'), longestText, cutLine);
}
