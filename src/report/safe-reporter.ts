import type { Event, Outcome, Reporter } from '../events.js';
import type { Problem } from '../errors.js';
import { redactStrings } from './github-api.js';
import { OutputLines } from './output-lines.js';
import type { Redactor } from './redact.js';

/** Several reporters as one: each is told everything in their order, and one that fails does not disturb the others. */
export class AllReporters implements Reporter {
  private readonly broken = new Set<Reporter>();

  /** `first` ends before the others do; they end side by side. `failed` is told once about each that fails. */
  constructor(
    private readonly first: Reporter,
    private readonly others: Reporter[],
    private readonly failed: (message: string) => void,
  ) {}

  start(): void {
    for (const reporter of [this.first, ...this.others]) this.guarded(reporter, () => reporter.start());
  }

  event(event: Event): void {
    for (const reporter of [this.first, ...this.others]) this.guarded(reporter, () => reporter.event(event));
  }

  async finish(outcome: Outcome): Promise<void> {
    await this.ended(this.first, outcome);
    await Promise.all(this.others.map((reporter) => this.ended(reporter, outcome)));
  }

  private async ended(reporter: Reporter, outcome: Outcome): Promise<void> {
    try {
      await reporter.finish(outcome);
    } catch (error) {
      this.note(reporter, error);
    }
  }

  private guarded(reporter: Reporter, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.note(reporter, error);
    }
  }

  private note(reporter: Reporter, error: unknown): void {
    if (this.broken.has(reporter)) return;
    this.broken.add(reporter);
    try {
      this.failed(`A report failed; the run is not affected: ${error instanceof Error ? error.message : String(error)}`);
    } catch {
      // The log itself is what failed: there is nowhere left to say it.
    }
  }
}

/** Passes everything on to a reporter with secrets redacted, and a step's output in whole lines, fit to be shown. */
export class RedactingReporter implements Reporter {
  private readonly lines = new Map<string, OutputLines>();

  constructor(
    private readonly inner: Reporter,
    private readonly redact: Redactor,
  ) {}

  start(): void {
    this.inner.start();
  }

  event(event: Event): void {
    if (event.type === 'output') return this.output(event.step, this.linesOf(event.step).push(event.text));
    if (event.type === 'step-end') {
      this.endLines(event.step);
      const problem = event.problem && redactProblem(event.problem, this.redact);
      return this.inner.event({ ...event, result: redactStrings(event.result, this.redact, ['name', 'status', 'level']), problem });
    }
    this.inner.event(event.type === 'note' ? { ...event, text: this.redact(event.text) } : event);
  }

  finish(outcome: Outcome): Promise<void> {
    for (const step of [...this.lines.keys()]) this.endLines(step);
    return this.inner.finish(redactOutcome(outcome, this.redact));
  }

  private linesOf(step: string): OutputLines {
    const lines = this.lines.get(step) ?? new OutputLines(this.redact);
    this.lines.set(step, lines);
    return lines;
  }

  private endLines(step: string): void {
    this.output(step, this.lines.get(step)?.end() ?? '');
    this.lines.delete(step);
  }

  private output(step: string, text: string): void {
    if (text) this.inner.event({ type: 'output', step, text });
  }
}

/** An outcome without secrets in its texts. Commits, releases and slots stay as they are. */
export function redactOutcome(outcome: Outcome, redact: Redactor): Outcome {
  return {
    ...outcome,
    sentence: redact(outcome.sentence),
    steps: redactStrings(outcome.steps, redact, ['name', 'status', 'level']),
    problem: outcome.problem && redactProblem(outcome.problem, redact),
    extra: outcome.extra && redact(outcome.extra),
    extraText: outcome.extraText && redact(outcome.extraText),
  };
}

function redactProblem(problem: Problem, redact: Redactor): Problem {
  return redactStrings(problem, redact, ['step', 'settings']);
}
