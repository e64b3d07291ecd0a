import type { Problem } from '../errors.js';
import type { Conclusion, Outcome, StepResult } from '../events.js';
import type { AgentMessage } from '../host/protocol.js';
import { fenced } from '../markdown.js';
import type { Settings } from '../settings/settings.js';
import type { Facts } from './facts.js';
import { planMarkdown } from './look.js';
import type { Plan } from './plan.js';
import type { Setup } from './setup.js';
import { whereText } from './steps/step.js';
import { statusJson, statusSentence, type Status } from './status.js';
import { statusMarkdown, statusText } from './status-view.js';

/** The agent's last word. */
export type End = Extract<AgentMessage, { type: 'end' }>;

/** What is known of a run when it is over. */
export interface Ran {
  settings: Settings;
  facts: Facts | undefined;
  /** For `command: status`, once it could look. */
  status: Status | undefined;
  /** Undefined when it never came to that: then the host was not changed. */
  plan: Plan | undefined;
  /** Of `command: setup`: what it is about. */
  setup: Setup | undefined;
  /** Undefined when the agent's last word did not come. */
  end: End | undefined;
  steps: StepResult[];
  problem: Problem | undefined;
  cancelled: boolean;
  /** The line was lost after the switch; the host told later that it finished. */
  finishedAlone: boolean;
  /** Unix time in milliseconds. */
  startedAt: number;
  endedAt: number;
}

/** How a run ended, for all who report it. */
export function outcomeOf(ran: Ran): Outcome {
  const { plan, end, facts, status } = ran;
  const target = plan?.target;
  const conclusion = conclusionOf(ran);
  return {
    conclusion,
    sentence: `${ran.settings.app}: ${sentenceOf(ran, conclusion)}.`,
    switched: hasSwitched(ran),
    // Without a plan the host has nothing to decide.
    decided: Boolean(end ?? !plan),
    release: target?.release ?? '',
    previousRelease: plan?.previousRelease ?? '',
    sha: target?.sha ?? facts?.commit ?? '',
    slot: target?.slot ?? '',
    port: target?.port ?? 0,
    startedAt: ran.startedAt,
    durationMs: ran.endedAt - ran.startedAt,
    steps: ran.steps,
    problem: conclusion === 'failure' ? ran.problem : undefined,
    extra: status ? statusMarkdown(status) : extraOf(ran, conclusion),
    extraText: status ? statusText(status) : conclusion === 'success' ? ran.setup?.text : undefined,
    status: status && statusJson(status),
  };
}

const hasSwitched = ({ plan, end }: Ran): boolean => Boolean(plan && end && end.release === plan.target.release);

/** What is reported follows what is live, not how the run ended. */
function conclusionOf({ end, problem, cancelled }: Ran): Conclusion {
  if (end?.result === 'success') return 'success';
  if (end?.result === 'skipped') return 'skipped';
  if (end?.result === 'looked') return problem ? 'failure' : 'success';
  if (cancelled && (!end || end.result === 'aborted')) return 'cancelled';
  return 'failure';
}

function sentenceOf(ran: Ran, conclusion: Conclusion): string {
  if (ran.settings.command === 'setup') return setupSentence(ran, conclusion);
  if (conclusion === 'success') return success(ran);
  if (conclusion === 'skipped') return ran.plan?.skip ?? 'nothing to do';
  return conclusion === 'cancelled' ? cancelled(ran) : failure(ran);
}

function setupSentence({ setup, problem }: Ran, conclusion: Conclusion): string {
  if (conclusion === 'success') return setup?.sentence ?? 'done';
  if (conclusion === 'cancelled') return 'cancelled; what was begun is finished by the host itself';
  return `setup failed${problem?.step ? ` at ${problem.step}` : ''}${setup ? '' : '; nothing was changed'}`;
}

function success({ settings, status, plan, finishedAlone }: Ran): string {
  if (status) return statusSentence(status);
  if (!plan) return 'done';
  const { release, sha, slot } = plan.target;
  if (settings.command === 'plan') return plan.skip || `a deploy would put ${sha.slice(0, 7)} live on ${slot}; nothing was changed`;
  return `${settings.command === 'rollback' ? 'rolled back: ' : ''}release ${release} (${sha.slice(0, 7)}) is live on ${slot}, ${whereText(plan.target)}${finishedAlone ? '; the line was lost after the switch, and the host finished by itself' : ''}`;
}

function cancelled(ran: Ran): string {
  if (ran.steps.some(({ name }) => name === 'switch') && !ran.end) return 'cancelled after the switch had begun; the host finishes by itself';
  const live = whatIsLive(ran);
  return `cancelled before the switch; ${!ran.plan && ran.end ? 'nothing was changed, ' : ''}${live}`;
}

function failure(ran: Ran): string {
  const where = ran.problem?.step ? ` at ${ran.problem.step}` : '';
  return `failed${where}; ${whatIsLive(ran)}${!hasSwitched(ran) && ran.end?.release ? ', as before' : ''}`;
}

function whatIsLive({ plan, end }: Ran): string {
  if (end) return end.release ? `release ${end.release} is live` : 'nothing is live';
  return plan ? 'the host decides by itself what is live, and the next run mends what is left' : 'nothing was changed';
}

function extraOf({ settings, plan, facts, setup }: Ran, conclusion: Conclusion): string | undefined {
  if (setup) return conclusion === 'success' && setup.text ? fenced(setup.text) : undefined;
  return settings.command === 'plan' && plan && facts ? planMarkdown(plan, facts) : undefined;
}
