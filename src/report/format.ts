import type { Conclusion, Level, StepResult, StepStatus } from '../events.js';
import { problemText, type Problem } from '../errors.js';
import { cutText, oneLine, tail, plainText } from './clean.js';

/** A time as people read it: `12 ms`, `0.4 s`, `2 min 5 s`. Takes milliseconds. */
export function duration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export const stepMarks: Record<StepStatus, string> = { success: '✓', warning: '!', failure: '✗', skipped: '-', aborted: '■' };
export const conclusionMarks: Record<Conclusion, string> = { success: '✓', failure: '✗', cancelled: '■', skipped: '-' };

const levels: Record<StepStatus, Level> = { success: 'notice', skipped: 'notice', warning: 'warning', aborted: 'warning', failure: 'failure' };

/** What a step has to say in one line: its problem, else its last note of the worst level. */
export function stepSays(result: StepResult, problem?: Problem): string {
  if (problem) return oneLine(problem.what);
  const worst = (['failure', 'warning', 'notice'] as const).map((level) => result.notes.filter((note) => note.level === level).at(-1)).find(Boolean);
  return oneLine(worst?.text ?? '');
}

/** The line for a step that ended: `✓ health  0.4 s  healthy: 200, 2 passes`. */
export function stepLine(result: StepResult, problem?: Problem): string {
  return [`${stepMarks[result.status]} ${oneLine(result.name)}`, duration(result.ms), stepSays(result, problem)].filter(Boolean).join('  ');
}

/** A step as an annotation shows it, in the log or in a check run. */
export interface StepAnnotation {
  step: string;
  level: Level;
  message: string;
  /** The end of what a failed step printed, and the problem's details. */
  details: string;
}

/** Makes the annotation of a step. `output`: the last output of it, plain. */
export function stepAnnotation(result: StepResult, problem: Problem | undefined, output: string): StepAnnotation {
  const notes = result.notes.map((note) => plainText(note.text));
  const lines = [`${result.status} in ${duration(result.ms)}`, ...notes, problem ? plainText(problemText(problem)) : ''];
  return {
    step: result.name,
    level: levels[result.status],
    message: cutText(lines.filter(Boolean).join('\n'), 16 * 1024, '… (cut)'),
    details: result.status === 'failure' ? failureDetails(problem, output) : '',
  };
}

/** The annotation of a failure that no step reported. */
export function problemAnnotation(problem: Problem): StepAnnotation {
  const message = cutText(plainText(problemText(problem)), 16 * 1024, '… (cut)');
  return { step: problem.step || 'run', level: 'failure', message, details: failureDetails(problem, '') };
}

function failureDetails(problem: Problem | undefined, output: string): string {
  const details = plainText(problem?.details ?? '').trimEnd();
  const both = output.includes(details) ? output : [output.trimEnd(), details].filter(Boolean).join('\n\n');
  return tail(both, 60, 16 * 1024);
}
