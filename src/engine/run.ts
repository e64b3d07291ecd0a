import { DeployError } from '../errors.js';
import type { Event, Outcome } from '../events.js';
import type { Connection } from '../host/connect.js';
import type { AgentMessage } from '../host/protocol.js';
import type { Patience } from '../host/reach.js';
import type { Settings } from '../settings/settings.js';
import { readFacts, type Facts, type LedgerLine } from './facts.js';
import type { Run } from './ledger.js';
import { askOutcome, type Fate } from './ask-outcome.js';
import { outcomeOf, type End } from './outcome.js';
import { readNginx } from './nginx-facts.js';
import { makePlan, type Plan } from './plan.js';
import { Progress } from './progress.js';
import { agentDidNotStart, asDeployError, lineLost, notTheAgent, unexplained } from './run-errors.js';
import { startSession, type Session } from './session.js';
import { makeSetup, type Setup } from './setup.js';
import { portsInForce } from './slots.js';
import { statusOf, type Status } from './status.js';

/** What a run needs from its front door. */
export interface Door {
  connect(patience: Pick<Patience, 'leastMs' | 'onFailure'>): Promise<Connection>;
  emit(event: Event): void;
  /** Aborted when a person or the runner cancels. */
  cancelled: AbortSignal;
  run: Run;
  /** The run is begun anew after a lost line, under a key of its own: who asks for it later has to ask for that one. */
  begunAnew(run: Run): void;
  /** Whether the commit belongs to the repository of the workflow. */
  ours: boolean;
  /** When the run, and its first connection, began: Unix time in milliseconds. */
  startedAt: number;
  now(): number;
}

/** How long after a cancel the host's decision is waited for, in milliseconds: the runner kills soon after. */
const CANCEL_WAIT_MS = 5000;

/** What a host may take beyond the limits of its steps, in milliseconds. */
const AIR_MS = 60_000;

/** How long a host is tried to be reached that was lost, in milliseconds: it may be starting again. */
const REACH_AGAIN_MS = 60_000;

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
  /** The run as the host knows it. */
  private asRun: Run;
  /** The line was lost after the switch, and the host told later how it went on. */
  private finishedAlone = false;
  private connection: Connection | undefined;
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly door: Door,
  ) {
    this.startedAt = door.startedAt;
    this.asRun = door.run;
    this.progress = new Progress((event) => door.emit(event), () => door.now(), this.startedAt, settings.host.host);
  }

  async run(): Promise<Outcome> {
    for (let tries = 0; (await this.attempt(tries)) === 'again'; tries++) this.beginAnew(tries + 1);
    return this.outcome();
  }

  /** From connecting to the end, or to where it may be begun anew. */
  private async attempt(earlier: number): Promise<'over' | 'again'> {
    try {
      this.connection = await this.connect();
      return this.connection ? await this.converse(this.connection, earlier) : 'over';
    } catch (error) {
      this.progress.fail(asDeployError(error).problem);
      this.progress.end('failure');
      return 'over';
    } finally {
      this.connection?.close();
    }
  }

  private beginAnew(tries: number): void {
    this.progress.problem = undefined;
    this.facts = this.plan = this.session = this.end = undefined;
    this.asRun = { ...this.door.run, key: `${this.door.run.key}.${tries}`, started: new Date(this.door.now()).toISOString() };
    this.door.begunAnew(this.asRun);
  }

  private async connect(): Promise<Connection | undefined> {
    this.progress.begin('connect', this.progress.steps.length ? undefined : this.startedAt);
    const connecting = this.door.connect({ onFailure: ({ problem }) => this.progress.note('warning', `${problem.what}; it is tried again`) });
    const connection = await Promise.race([connecting, whenAborted(this.door.cancelled)]);
    if (!connection) connecting.then((late) => late.close()).catch(() => {});
    else this.progress.note('notice', `host key ${connection.hostFingerprint}`);
    this.progress.end(connection ? 'success' : 'aborted');
    return connection;
  }

  /** Talks with the agent until it is done, the line is lost, or the time after a cancel is over. */
  private async converse(connection: Connection, earlier: number): Promise<'over' | 'again'> {
    const { command } = this.settings;
    const asked = command === 'deploy' || command === 'rollback' || command === 'setup' ? command : 'look';
    let ended = (): void => {};
    const done = new Promise<void>((resolve) => (ended = resolve));
    // What still comes of a line that was lost is not the next try's.
    const { asRun } = this;
    const inForce = (): boolean => this.asRun === asRun;
    this.session = await startSession(connection, asked, this.settings, asRun, {
      message: (message) => inForce() && this.message(message, ended),
      output: (text) => inForce() && this.progress.output(text),
    });
    const cancel = whenAborted(this.door.cancelled).then(async () => {
      if (!inForce()) return;
      this.progress.note('warning', 'cancelled: the host aborts before the switch, and finishes after it');
      this.session?.abort();
      await wait(CANCEL_WAIT_MS);
    });
    this.giveTime(2 * (this.settings.lockTimeout + this.settings.stepTimeout));
    await Promise.race([done, this.session.closed, cancel]);
    clearTimeout(this.deadline);
    if (this.end || this.door.cancelled.aborted) return 'over';
    const { code, signal, said, broken } = await this.session.closed;
    connection.close();
    if (broken !== undefined) throw notTheAgent(broken);
    // A line that was lost tells neither.
    if ((code ?? signal) !== null && !this.progress.step && this.progress.steps.at(-1)?.name === 'connect') throw agentDidNotStart(code, said);
    return (await Promise.race([this.lost(said, earlier), cancel])) ?? 'over';
  }

  /** The host ends each step at its limit; one that does not is left, however much it talks. */
  private giveTime(ms: number): void {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.connection?.close(), ms + AIR_MS);
  }

  private message(message: AgentMessage, ended: () => void): void {
    // The last word is the last one.
    if (this.end) return;
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
        this.end = this.backed(message);
        return ended();
      case 'begin':
      case 'alive':
      case 'held':
      case 'ledger':
        return;
    }
  }

  private statusOf(message: Extract<AgentMessage, { type: 'step-end' }>): 'success' | 'failure' | 'aborted' {
    if (message.how === 'aborted') return 'aborted';
    // The plan is made within the survey: what it refuses is the survey's failure.
    return message.how === 'ok' && !(message.step === 'survey' && this.progress.problem) ? 'success' : 'failure';
  }

  /** Nothing went well that was never asked for: who says so is not the agent. */
  private backed(end: End): End {
    const { settings, plan, setup, status, progress } = this;
    const changes = settings.command === 'deploy' || settings.command === 'rollback';
    const hasStep = Boolean(setup?.script.includes('\nbg_plan_step '));
    const asked = {
      success: changes ? end.release === plan?.target.release : hasStep,
      skipped: changes && Boolean(plan?.skip),
      // A look that failed has a problem.
      looked: !changes && !hasStep && Boolean(plan ?? setup ?? status ?? progress.problem),
      failed: true,
      aborted: true,
    };
    if (asked[end.result]) return end;
    progress.fail(notTheAgent(`it says "${end.result}" of what it was not asked to do`).problem);
    return { ...end, result: 'failed' };
  }

  /** The second act: facts become a plan, and the whole plan goes to the agent in one message. */
  private surveyed(data: string): void {
    if (this.facts) throw new Error('it tells its facts more than once');
    try {
      this.facts = readFacts(data, this.session?.mark ?? '');
      if (this.facts.commit) this.tellCommit(this.facts.commit);
      if (this.settings.command === 'status') return this.tellStatus(this.facts);
      if (this.settings.command === 'setup') return this.prepare(this.facts);
      this.plan = makePlan(this.settings, this.facts, this.asRun);
      if (!this.facts.commit) this.tellCommit(this.plan.target.sha);
      for (const notice of this.plan.notices) this.progress.note('notice', notice);
      for (const warning of this.plan.warnings) this.progress.note('warning', warning);
      // Where nginx follows `live` by its files, the probe tells what it really does.
      const { mode, why, follows } = this.plan.nginx;
      if (!follows || this.settings.command === 'plan') this.progress.note('notice', `switch: ${mode}, since ${why}`);
      // What fails is switched back and reconciled, too.
      this.giveTime(this.plan.steps.reduce((sum, { limitMs }) => sum + limitMs, 2 * this.settings.stepTimeout));
      if (this.settings.command !== 'plan') this.session?.plan(this.plan.script);
    } catch (error) {
      this.progress.fail(asDeployError(error).problem);
      this.session?.abort();
    }
  }

  private prepare(facts: Facts): void {
    this.setup = makeSetup(this.settings, facts);
    this.giveTime(2 * this.settings.lockTimeout + 8 * this.settings.switchTimeout);
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
  private async lost(said: string, earlier: number): Promise<'over' | 'again'> {
    const { progress, settings } = this;
    // What a run refuses by itself it would refuse again.
    const refused = progress.problem;
    const during = progress.step ? ` during the step ${progress.step}` : '';
    const left = settings.retries - earlier;
    progress.fail(lineLost(during, said, left > 0).problem);
    progress.end('aborted');
    if (settings.command === 'setup') return 'over';
    const changes = settings.command === 'deploy' || settings.command === 'rollback';
    const fate = changes ? await this.fate() : undefined;
    if (this.door.cancelled.aborted || (changes && !fate?.told)) return 'over';
    if (fate?.held || this.decided(fate?.line) || refused) return 'over';
    if (fate && fate.release === this.plan?.target.release) return 'over';
    if (fate && left <= 0) this.end ??= { type: 'end', result: 'failed', live: '', release: fate.release };
    if (left <= 0) return 'over';
    const twice = this.begunInThisTry('before-switch') ? ' The before-switch command had begun and runs once more.' : '';
    progress.note('warning', `the line to the host was lost${during}, and nothing was switched: the run is begun anew (setting retries).${twice}`);
    return 'again';
  }

  /** Asks the host what became of the run; undefined if it cannot be reached. */
  private async fate(): Promise<Fate | undefined> {
    const connect = () => this.door.connect({ leastMs: REACH_AGAIN_MS });
    try {
      const fate = await askOutcome(this.settings, { connect, run: this.asRun });
      for (const { level, text } of fate.notes) this.progress.note(level, text);
      return fate;
    } catch (error) {
      this.progress.note('warning', `what became of the run could not be asked: ${asDeployError(error).problem.what}`);
      return undefined;
    }
  }

  /** Takes over what the ledger says. False when nothing was switched and nothing failed but the line. */
  private decided(line: LedgerLine | undefined): boolean {
    // Without a plan there is no line of this run.
    if (!line || line.release !== this.plan?.target.release) return false;
    const { outcome, liveRelease: release } = line;
    const switched = release === line.release;
    this.progress.note('notice', `the host's ledger says of this run: ${outcome}; live is ${release || 'nothing'}`);
    const well = outcome === 'skipped' || (outcome === 'success' && switched);
    this.end = { type: 'end', result: well ? outcome : 'failed', live: '', release };
    if (outcome === 'died' && switched) {
      // The next run, or the question for it, has proved that it answers.
      this.end.result = 'success';
      this.progress.note('warning', 'the run died on the host after the switch: what comes after it (after-switch, prune) may not have been done');
    }
    if (this.end.result !== 'failed') {
      this.progress.problem = undefined;
      this.finishedAlone = switched;
    }
    return switched || (outcome !== 'aborted' && outcome !== 'died');
  }

  private begunInThisTry(step: string): boolean {
    const names = this.progress.steps.map(({ name }) => name);
    return names.lastIndexOf(step) > names.lastIndexOf('connect');
  }

  private outcome(): Outcome {
    this.progress.end('aborted');
    const { settings, facts, status, plan, setup, end, progress, door, finishedAlone } = this;
    const { steps, problem } = progress;
    return outcomeOf({ settings, facts, status, plan, setup, end, steps, problem, finishedAlone, cancelled: door.cancelled.aborted, startedAt: this.startedAt, endedAt: door.now() });
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

function nginxOrProblem(settings: Settings, facts: Facts) {
  try {
    const listen = (facts.live && facts.slots[facts.live]?.listen) || settings.listen;
    return readNginx(settings, facts, portsInForce(facts, settings.ports), listen);
  } catch (error) {
    return asDeployError(error).problem;
  }
}
