import * as core from '@actions/core';
import type { Level } from '../events.js';
import { cutText, oneLine } from './clean.js';
import type { StepAnnotation } from './format.js';

/** The runner shows 10 annotations of a level for each step of a job, and drops the rest without a word. */
const mostOfALevel = 10;
/** The runner cuts an annotation's message there. */
const longestMessage = 4096;

const write: Record<Level, typeof core.notice> = { notice: core.notice, warning: core.warning, failure: core.error };

/** Annotations in the log, for when there is no check run. Those given before it is switched on are shown then. */
export class LogAnnotations {
  private on = false;
  private ended = false;
  private waiting: StepAnnotation[] = [];
  private readonly shown: Record<Level, number> = { notice: 0, warning: 0, failure: 0 };
  private readonly beyond: Record<Level, StepAnnotation[]> = { notice: [], warning: [], failure: [] };

  /** `command` runs a function at a moment when the log takes workflow commands. */
  constructor(
    private readonly app: string,
    private readonly command: (write: () => void) => void,
  ) {}

  switchOn(): void {
    this.on = true;
    const waiting = this.waiting;
    this.waiting = [];
    for (const annotation of waiting) this.add(annotation);
    if (this.ended) this.end();
  }

  add(annotation: StepAnnotation): void {
    if (!this.on) this.waiting.push(annotation);
    else if (this.shown[annotation.level] < mostOfALevel - 1) this.show(annotation);
    else this.beyond[annotation.level].push(annotation);
  }

  /** The last place of each level goes to what is left: one annotation, or the list of several. */
  end(): void {
    this.ended = true;
    for (const level of ['notice', 'warning', 'failure'] as const) {
      const left = this.beyond[level].splice(0);
      if (left.length === 0) continue;
      const steps = left.map((annotation) => annotation.step);
      const message = left.map((annotation) => `${annotation.step}: ${oneLine(annotation.message, 300)}`).join('\n');
      this.show(left.length === 1 && left[0] ? left[0] : { step: `${steps.length} more steps`, level, message, details: '' });
    }
  }

  private show(annotation: StepAnnotation): void {
    this.shown[annotation.level]++;
    const title = `bluegreen: ${this.app}: ${annotation.step}`;
    this.command(() => write[annotation.level](cutText(annotation.message, longestMessage, '… (cut)'), { title }));
  }
}
