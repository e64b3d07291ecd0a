import type { StepResult, StepStatus } from '../events.js';
import { oneLine } from './clean.js';
import { duration, stepMarks } from './format.js';

const tags: Record<StepStatus, string> = { success: 'done', warning: 'active', failure: 'crit', aborted: 'crit', skipped: 'done' };

/**
 * A Mermaid Gantt chart of the steps that ran; empty when none did.
 * The axis counts from the start in units of the epoch (`%s`, `%Q`), since Mermaid draws other times in the reader's time zone.
 */
export function gantt(steps: StepResult[], section: string): string {
  const ran = steps.filter((step) => step.status !== 'skipped');
  if (ran.length === 0) return '';
  const end = Math.max(...ran.map((step) => step.startMs + step.ms));
  // A bar of a thousandth of the whole would not be seen; the time that counts is in its name.
  const shortest = Math.max(1, Math.ceil(end / 200));
  const bars = ran.map((step, index) => {
    const name = ganttText(`${stepMarks[step.status]} ${step.name} ${duration(step.ms)}`);
    return `    ${name} :${tags[step.status]}, s${index}, ${Math.max(0, Math.round(step.startMs))}, ${Math.max(shortest, Math.round(step.ms))}ms`;
  });
  const axis = end >= 10_000 ? '%s s' : '%Q ms';
  return ['gantt', '    dateFormat x', `    axisFormat ${axis}`, '    todayMarker off', `    section ${ganttText(section) || 'run'}`, ...bars].join('\n');
}

/** A name without the characters that end it or start something else in Mermaid's grammar. */
function ganttText(text: string): string {
  return oneLine(text, 80).replace(/[:;#,%`"<>{}]/g, ' ').replace(/ +/g, ' ').trim();
}
