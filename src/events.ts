import type { Problem } from './errors.js';

/** How a step ended. `skipped`: not needed this time. `aborted`: stopped by a cancel or a lost line before the switch. */
export type StepStatus = 'success' | 'warning' | 'failure' | 'skipped' | 'aborted';

export type Level = 'notice' | 'warning' | 'failure';

/** One step as it ended. `startMs` counts from the start of the run, `ms` is how long it took. */
export interface StepResult {
  name: string;
  status: StepStatus;
  startMs: number;
  ms: number;
  /** What the step has to say: one line each (`healthy after 0.4 s: 200, 2 passes`). */
  notes: { level: Level; text: string }[];
}

/** What the engine tells while it works; reporters turn it into logs, annotations and check runs. */
export type Event =
  | { type: 'step-start'; step: string }
  /** Raw output of a step, not split into lines, not safe to interpret. */
  | { type: 'output'; step: string; text: string }
  | { type: 'note'; step: string; level: Level; text: string }
  | { type: 'step-end'; step: string; result: StepResult; problem?: Problem }
  /** The commit that is deployed is known now (40 hexadecimal digits). */
  | { type: 'commit'; sha: string; ours: boolean };

export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

/** How a whole run ended, as far as the host told. */
export interface Outcome {
  conclusion: Conclusion;
  /** The outcome in one sentence: `shop: release … (1a2b3c4) is live on green, port 9502.` */
  sentence: string;
  switched: boolean;
  /** The host told how it ended. False: what is reported may have to be corrected. */
  decided: boolean;
  release: string;
  previousRelease: string;
  sha: string;
  slot: string;
  port: number;
  /** Unix time in milliseconds. */
  startedAt: number;
  durationMs: number;
  steps: StepResult[];
  problem?: Problem;
  /** Markdown that a command wants to add to the summary (a plan, a status table). */
  extra?: string;
  /** The same for the log, as plain text of several lines. */
  extraText?: string;
  /** Of `command: status`: the host as JSON. */
  status?: string;
}

/** One place that shows a run. Reporters never throw: reporting never fails a deploy. */
export interface Reporter {
  /** Called once, before anything is contacted. */
  start(): void;
  event(event: Event): void;
  /** Called once; settles when everything that can be shown is shown, or its own time limit is over. */
  finish(outcome: Outcome): Promise<void>;
}
