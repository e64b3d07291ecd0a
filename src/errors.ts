/** What a person is told when something goes wrong: what, where, and what to do next. */
export interface Problem {
  /** What happened, one sentence, without a trailing full stop when it is short. */
  what: string;
  /** The step in which it happened (`connect`, `health`, `switch`, …). */
  step: string;
  /** The host it happened on, as the user wrote it; empty before any host is known. */
  host: string;
  /** What to do next, one or a few sentences. */
  next: string;
  /** The settings that change it, by their input names. */
  settings: string[];
  /** Last output of what failed, the app's log tail, fingerprints: shown as it is, never interpreted. */
  details: string;
}

/** The one error class that is thrown on purpose; everything else is a defect of ours. */
export class DeployError extends Error {
  readonly problem: Problem;

  /** @param passing it may be gone at the next try: a line that broke, a host that is busy */
  constructor(
    problem: Partial<Problem> & { what: string; next: string },
    readonly passing = false,
  ) {
    super(problem.what);
    this.name = 'DeployError';
    this.problem = { step: '', host: '', settings: [], details: '', ...problem };
  }

  /** The same error, with the place filled in where the thrower could not know it. */
  at(place: { step?: string; host?: string }): DeployError {
    return new DeployError({ ...this.problem, step: this.problem.step || place.step || '', host: this.problem.host || place.host || '' }, this.passing);
  }
}

/** The whole of a problem as lines of plain text, for the log and for `raw_details`. */
export function problemText(problem: Problem): string {
  const place = [problem.step && `step ${problem.step}`, problem.host && `host ${problem.host}`].filter(Boolean).join(', ');
  const settings = problem.settings.length ? `Settings that change it: ${problem.settings.join(', ')}` : '';
  return [`${problem.what}${place ? ` (${place})` : ''}`, `What to do: ${problem.next}`, settings].filter(Boolean).join('\n');
}
