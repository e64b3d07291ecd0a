import type { Event, Outcome, Reporter } from '../events.js';
import { checkAnnotation, finalOutput, progressOutput, shortOutput } from './check-run-text.js';
import { LastOutput } from './clean.js';
import { problemAnnotation, stepAnnotation, type StepAnnotation } from './format.js';
import type { CheckAnnotation, CheckRunRef, CheckRunUpdate, GitHubApi } from './github-api.js';
import { explain, requestFailure, Requests, type FailureKind, type RequestFailure, type Timing } from './requests.js';
import { checkRunName, type RunInfo } from './run-info.js';

/** GitHub takes so many annotations in a request, and adds those of later requests to them. */
const mostAnnotations = 50;

export interface CheckRunOptions {
  timing: Timing;
  /** Called once if the check run cannot be written as it should be, with the reason and what to do. */
  unavailable: (reason: string) => void;
  /** Called once, as soon as there is a check run. */
  created?: (run: CheckRunRef) => void;
  /** Unix time in milliseconds. */
  now: () => number;
}

/**
 * The check run of a deploy or rollback. One request at a time; what happens meanwhile gathers and goes in the next one.
 * No answer from the API stops the live updates; at the end everything is tried once more. A refusal ends it for good.
 */
export class CheckRunReporter implements Reporter {
  private readonly requests: Requests;
  private readonly output = new LastOutput();
  private readonly startedAt: number;
  private queue: CheckAnnotation[] = [];
  private sending: Promise<void> | undefined;
  private run: CheckRunRef | undefined;
  private headSha = '';
  private step = '';
  private busy = false;
  private failed = false;
  private stalled = false;
  private refused = false;
  private told = false;

  constructor(
    private readonly api: GitHubApi,
    private readonly info: RunInfo,
    private readonly options: CheckRunOptions,
  ) {
    this.requests = new Requests(options.timing);
    this.startedAt = options.now();
  }

  get url(): string {
    return this.run?.html_url ?? '';
  }

  get id(): number | undefined {
    return this.run?.id;
  }

  start(): void {
    if (this.info.deploySha) this.head(this.info.deploySha, this.info.ours);
  }

  event(event: Event): void {
    if (event.type === 'commit') this.head(event.sha, event.ours);
    else if (event.type === 'output') this.output.add(event.text);
    else if (event.type === 'step-start') {
      this.step = event.step;
      this.output.clear();
    } else if (event.type === 'step-end') {
      this.failed ||= event.result.status === 'failure';
      this.add(stepAnnotation(event.result, event.problem, this.output.last(60, 16 * 1024)));
    }
  }

  finish(outcome: Outcome): Promise<void> {
    return this.requests.lastActs(async () => {
      this.stalled = true;
      await this.sending;
      if (outcome.problem && !this.failed) this.add(problemAnnotation(outcome.problem));
      this.headSha ||= this.info.workflowSha;
      await this.complete(outcome);
    });
  }

  /** The commit that the check run stands on: the deployed one if it is this repository's. It cannot be changed later. */
  private head(sha: string, ours: boolean): void {
    this.headSha ||= ours ? sha : this.info.workflowSha;
    this.pump();
  }

  private add(annotation: StepAnnotation): void {
    this.queue.push(checkAnnotation(annotation, this.info.workflowPath || '.github'));
    this.pump();
  }

  /** Starts sending, unless that is under way already. */
  private pump(): void {
    if (!this.busy && this.hasWork()) this.sending = this.sendWaiting();
  }

  private hasWork(): boolean {
    return this.headSha !== '' && !this.stalled && !this.refused && (!this.run || this.queue.length > 0);
  }

  private async sendWaiting(): Promise<void> {
    this.busy = true;
    while (this.hasWork()) await this.tried(() => this.sendProgress());
    this.busy = false;
  }

  private sendProgress(): Promise<void> {
    return this.sendBatch({ status: 'in_progress', output: progressOutput(this.info, this.step) });
  }

  private async complete(outcome: Outcome): Promise<void> {
    while (!this.refused && this.queue.length > mostAnnotations) {
      if ((await this.tried(() => this.sendProgress())) === 'unreachable') break;
    }
    if (this.refused) return;
    const end = { status: 'completed' as const, conclusion: outcome.conclusion, completed_at: iso(this.options.now()) };
    const result = await this.tried(() => this.sendBatch({ ...end, output: finalOutput(this.info, outcome) }));
    // GitHub did not like something in it, and its annotations are dropped: say at least how the run ended.
    if (result === 'invalid') await this.tried(() => this.sendBatch({ ...end, output: shortOutput(this.info, outcome) }));
  }

  /** Sends what is waiting, at most 50 annotations, as a new check run or as an update of it. */
  private async sendBatch(update: CheckRunUpdate): Promise<void> {
    const annotations = this.queue.slice(0, mostAnnotations);
    const body = { ...update, output: { ...update.output, ...(annotations.length ? { annotations } : {}) } };
    const { run } = this;
    const sent = await this.requests.send((signal) =>
      run ? this.api.updateCheckRun(run.id, body, signal) : this.api.createCheckRun({ ...this.identity(), ...body }, signal),
    );
    this.queue.splice(0, annotations.length);
    this.run = sent;
    if (!run) this.options.created?.(sent);
  }

  private identity() {
    return {
      name: checkRunName(this.info),
      head_sha: this.headSha,
      started_at: iso(this.startedAt),
      external_id: this.info.runKey,
      ...(this.info.runUrl ? { details_url: this.info.runUrl } : {}),
    };
  }

  /** Runs a request; says how it went, and draws the consequences. Never rejects. */
  private async tried(request: () => Promise<void>): Promise<'sent' | FailureKind> {
    try {
      await request();
      return 'sent';
    } catch (error) {
      const failure = requestFailure(error);
      this.failedWith(failure);
      return failure.kind;
    }
  }

  private failedWith(failure: RequestFailure): void {
    if (failure.kind === 'invalid') this.queue.splice(0, mostAnnotations);
    this.stalled ||= failure.kind === 'unreachable' || !this.run;
    this.refused ||= failure.kind === 'permission' || failure.kind === 'token';
    if (this.told) return;
    this.told = true;
    this.options.unavailable(explain('The check run was not written', failure, 'checks: write'));
  }
}

/** Unix time in milliseconds as GitHub takes it. */
export function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
