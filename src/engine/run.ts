import { DeployError } from '../errors.js';
import type { Event, Outcome } from '../events.js';
import type { Connection } from '../host/connect.js';
import type { AgentMessage } from '../host/protocol.js';
import type { Settings } from '../settings/settings.js';
import { readFacts, type Facts } from './facts.js';
import type { Run } from './ledger.js';
import { askOutcome } from './ask-outcome.js';
import { outcomeOf, type End } from './outcome.js';
import { readNginx } from './nginx-facts.js';
import { makePlan, type Plan } from './plan.js';
import { Progress } from './progress.js';
import { startSession, type Session } from './session.js';
import { makeSetup, type Setup } from './setup.js';
import { portsInForce } from './slots.js';
import { statusOf, type Status } from './status.js';

/** What a run needs from its front door. */
export interface Door {
  connect(): Promise<Connection>;
  emit(event: Event): void;
  /** Aborted when a person or the runner cancels. */
  cancelled: AbortSignal;
  run: Run;
  /** Whether the commit belongs to the repository of the workflow. */
  ours: boolean;
  /** When the run, and its first connection, began: Unix time in milliseconds. */
  startedAt: number;
  now(): number;
}

/** How long after a cancel the host's decision is waited for, in milliseconds: the runner kills soon after. */
const CANCEL_WAIT_MS = 5000;

/** Runs one command on one host: survey, plan, run. Never throws: what goes wrong is in the outcome. */
export async function execute(settings: Settings, door: Door): Promise<Outcome> {
  return new Execution(settings, door).run();
}

class Execution {
  private readonly startedAt: number;
  private readonly progress: Progress;
  private facts: Facts | undefined;
  private plan: Plan | undefined;
  private setup: Setup | undefined;
  private end: End | undefined;
  private session: Session | undefined;
  private status: Status | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly door: Door,
  ) {
    this.startedAt = door.startedAt;
    this.progress = new Progress((event) => door.emit(event), () => door.now(), this.startedAt, settings.host.host);
  }

  async run(): Promise<Outcome> {
    let connection: Connection | undefined;
    try {
      connection = await this.connect();
      if (connection) await this.converse(connection);
    } catch (error) {
      this.progress.fail(asDeployError(error).problem);
      this.progress.end('failure');
    } finally {
      connection?.close();
    }
    return this.outcome();
  }

  private async connect(): Promise<Connection | undefined> {
    this.progress.begin('connect', this.startedAt);
    const connecting = this.door.connect();
    const connection = await Promise.race([connecting, whenAborted(this.door.cancelled)]);
    if (!connection) connecting.then((late) => late.close()).catch(() => {});
    else this.progress.note('notice', `host key ${connection.hostFingerprint}`);
    this.progress.end(connection ? 'success' : 'aborted');
    return connection;
  }

  /** Talks with the agent until it is done, the line is lost, or the time after a cancel is over. */
  private async converse(connection: Connection): Promise<void> {
    const { command } = this.settings;
    const asked = command === 'deploy' || command === 'rollback' || command === 'setup' ? command : 'look';
    let ended = (): void => {};
    const done = new Promise<void>((resolve) => (ended = resolve));
    this.session = await startSession(connection, asked, this.settings, this.door.run, {
      message: (message) => this.message(message, ended),
      output: (text) => this.progress.output(text),
    });
    const cancel = whenAborted(this.door.cancelled).then(async () => {
      this.progress.note('warning', 'cancelled: the host aborts before the switch, and finishes after it');
      this.session?.abort();
      await wait(CANCEL_WAIT_MS);
    });
    await Promise.race([done, this.session.closed, cancel]);
    if (this.end || this.door.cancelled.aborted) return;
    const { code, said } = await this.session.closed;
    await Promise.race([this.lost(connection, code, said), cancel]);
  }

  private message(message: AgentMessage, ended: () => void): void {
    switch (message.type) {
      case 'step-start':
        return this.progress.begin(message.step);
      case 'step-end':
        if (this.progress.step !== message.step) return;
        if (message.how === 'warned') return this.progress.endWithWarning(message.ms);
        if (message.how !== 'ok' && !this.progress.problem) this.progress.fail(unexplained(message.step, message.status));
        return this.progress.end(this.statusOf(message), message.ms);
      case 'note':
        return this.progress.note(message.level, message.text);
      case 'problem':
        return this.progress.fail(new DeployError(message).problem);
      case 'log':
        return this.progress.appLog(message.text);
      case 'facts':
        return this.surveyed(message.data);
      case 'end':
        this.end = message;
        return ended();
      case 'begin':
      case 'ledger':
        return;
    }
  }

  private statusOf(message: Extract<AgentMessage, { type: 'step-end' }>): 'success' | 'failure' | 'aborted' {
    if (message.how === 'aborted') return 'aborted';
    // The plan is made within the survey: what it refuses is the survey's failure.
    return message.how === 'ok' && !(message.step === 'survey' && this.progress.problem) ? 'success' : 'failure';
  }

  /** The second act: facts become a plan, and the whole plan goes to the agent in one message. */
  private surveyed(data: string): void {
    try {
      this.facts = readFacts(data, this.session?.mark ?? '');
      if (this.facts.commit) this.tellCommit(this.facts.commit);
      if (this.settings.command === 'status') return this.tellStatus(this.facts);
      if (this.settings.command === 'setup') return this.prepare(this.facts);
      this.plan = makePlan(this.settings, this.facts, this.door.run);
      if (!this.facts.commit) this.tellCommit(this.plan.target.sha);
      for (const notice of this.plan.notices) this.progress.note('notice', notice);
      for (const warning of this.plan.warnings) this.progress.note('warning', warning);
      // Where nginx follows `live` by its files, the probe tells what it really does.
      const { mode, why, follows } = this.plan.nginx;
      if (!follows || this.settings.command === 'plan') this.progress.note('notice', `switch: ${mode}, since ${why}`);
      if (this.settings.command !== 'plan') this.session?.plan(this.plan.script);
    } catch (error) {
      this.progress.fail(asDeployError(error).problem);
      this.session?.abort();
    }
  }

  private prepare(facts: Facts): void {
    this.setup = makeSetup(this.settings, facts);
    for (const warning of this.setup.warnings) this.progress.note('warning', warning);
    this.session?.plan(this.setup.script);
  }

  /** What a deploy would refuse is a part of what there is to see. */
  private tellStatus(facts: Facts): void {
    this.status = statusOf(this.settings, facts, nginxOrProblem(this.settings, facts));
    const { drift, nginx } = this.status;
    for (const { what } of [...drift, ...(nginx.problem ? [nginx.problem] : [])]) this.progress.note('warning', what);
  }

  private tellCommit(sha: string): void {
    this.door.emit({ type: 'commit', sha, ours: this.door.ours });
  }

  /** The agent is gone without a last word: what became of the run stands in the ledger, or nothing was changed. */
  private async lost(connection: Connection, code: number | null, said: string): Promise<void> {
    connection.close();
    if (!this.progress.step && this.progress.steps.length <= 1) throw agentDidNotStart(code, said);
    this.progress.fail(
      new DeployError({
        what: `the line to the host was lost${this.progress.step ? ` during the step ${this.progress.step}` : ''}`,
        next: 'The host aborts by itself what was not switched yet, and finishes what was. Run it again: the next run mends what is left.',
        details: said,
      }).problem,
    );
    this.progress.end('aborted');
    if (this.settings.command === 'setup') return;
    const line = await askOutcome(this.settings, this.door).catch(() => undefined);
    if (!line) return;
    this.progress.note('notice', `the host's ledger says of this run: ${line.outcome}; live is ${line.liveRelease || 'nothing'}`);
    if (line.outcome === 'success') this.progress.problem = undefined;
    this.end = { type: 'end', result: line.outcome === 'success' ? 'success' : 'failed', live: '', release: line.liveRelease };
  }

  private outcome(): Outcome {
    this.progress.end('aborted');
    const { settings, facts, status, plan, setup, end, progress, door } = this;
    const { steps, problem } = progress;
    return outcomeOf({ settings, facts, status, plan, setup, end, steps, problem, cancelled: door.cancelled.aborted, startedAt: this.startedAt, endedAt: door.now() });
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

function agentDidNotStart(code: number | null, said: string): DeployError {
  return new DeployError({
    step: 'connect',
    what: `the agent did not start on the host (exit status ${code ?? 'none'})`,
    next: "It needs a POSIX sh, base64 and gzip in the PATH of a login without a terminal. See what the host's shell says below.",
    settings: ['user'],
    details: said,
  });
}

function nginxOrProblem(settings: Settings, facts: Facts) {
  try {
    const listen = (facts.live && facts.slots[facts.live]?.listen) || settings.listen;
    return readNginx(settings, facts, portsInForce(facts, settings.ports), listen);
  } catch (error) {
    return asDeployError(error).problem;
  }
}

function unexplained(step: string, status: number) {
  const signal = status > 128 ? ` (signal ${status - 128})` : '';
  return new DeployError({ step, what: `the step ${step} ended with status ${status}${signal}`, next: 'Read its output; then run it again.' }).problem;
}

function asDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new DeployError({ what: 'bluegreen has a defect', next: 'Please report it, with the text below.', details: text });
}
