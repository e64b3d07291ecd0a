import { DeployError, type Problem } from '../errors.js';
import type { Event, Level, StepResult, StepStatus } from '../events.js';

/** More steps than any plan has, and more notes than a run has; characters of one note that are kept. */
const MOST = { steps: 100, notes: 300, note: 4000 };

/**
 * Keeps what the steps of a run said, and tells it on as events. A step that never ends (a lost line) is ended
 * by whoever finishes the run.
 */
export class Progress {
  readonly steps: StepResult[] = [];
  /** The first problem that was told; what comes after it is its consequence. */
  problem: Problem | undefined;
  private current: { name: string; startedAt: number; notes: StepResult['notes']; problem?: Problem } | undefined;

  constructor(
    private readonly emit: (event: Event) => void,
    private readonly now: () => number,
    private readonly startedAt: number,
    private readonly host: string,
  ) {}

  /** The name of the step that is under way; '' between steps. */
  get step(): string {
    return this.current?.name ?? '';
  }

  /**
   * @param at when it began, if not now: Unix time in milliseconds
   * @throws DeployError when there are more than any run has
   */
  begin(name: string, at = this.now()): void {
    if (this.current) this.end('aborted');
    if (this.steps.length >= MOST.steps) throw new DeployError({ what: 'the host tells of more steps than there are', next: 'What answers there is not the agent.' });
    this.current = { name, startedAt: at, notes: [] };
    this.emit({ type: 'step-start', step: name });
  }

  output(text: string): void {
    if (this.current) this.emit({ type: 'output', step: this.current.name, text });
  }

  note(level: Level, text: string): void {
    const step = this.current?.name ?? this.steps.at(-1)?.name ?? '';
    const notes = this.current?.notes ?? this.steps.at(-1)?.notes;
    if (this.noted++ < MOST.notes) notes?.push({ level, text: text.length > MOST.note ? `${text.slice(0, MOST.note)}…` : text });
    else if (this.noted === MOST.notes + 1) notes?.push({ level: 'warning', text: 'there were more notes than are kept: see the log' });
    this.emit({ type: 'note', step, level, text });
  }

  fail(problem: Problem): void {
    const placed = { ...problem, step: problem.step || this.step, host: problem.host || this.host };
    if (this.current) this.current.problem ??= placed;
    this.problem ??= placed;
  }

  /** The end of the app's log, for the problem of the step that is under way. */
  appLog(text: string): void {
    if (text) this.pendingLog = text;
  }

  private pendingLog = '';
  private noted = 0;

  /** The step failed, which only warns: the run goes on, and its problem is not the run's. */
  endWithWarning(ms: number): void {
    const problem = this.current?.problem;
    if (problem) {
      if (this.problem === problem) this.problem = undefined;
      const settings = problem.settings.length ? ` (settings ${problem.settings.join(', ')})` : '';
      this.note('warning', `${problem.what}. The traffic is on the new slot. ${problem.next}${settings}`);
      if (this.current) this.current.problem = undefined;
    }
    this.end('warning', ms);
  }

  /** @param ms how long it took by the host's own clock, where that is known */
  end(status: StepStatus, ms?: number): void {
    const { current } = this;
    if (!current) return;
    this.current = undefined;
    if (current.problem && this.pendingLog) {
      const details = [current.problem.details, `The app's log ends with:\n${this.pendingLog}`].filter(Boolean).join('\n\n');
      if (this.problem === current.problem) this.problem = { ...current.problem, details };
      current.problem = { ...current.problem, details };
    }
    this.pendingLog = '';
    const warned = status === 'success' && current.notes.some(({ level }) => level !== 'notice');
    const result: StepResult = {
      name: current.name,
      status: warned ? 'warning' : status,
      startMs: current.startedAt - this.startedAt,
      ms: ms ?? this.now() - current.startedAt,
      notes: current.notes,
    };
    this.steps.push(result);
    this.emit({ type: 'step-end', step: current.name, result, problem: current.problem });
  }
}
