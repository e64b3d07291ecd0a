import type { Event, Outcome, Reporter } from '../events.js';
import { CheckRunReporter } from './check-run.js';
import { DeploymentReporter } from './deployment.js';
import { gitHubApi, redactedApi, type CheckRunRef, type GitHubApi } from './github-api.js';
import { LogReporter } from './log.js';
import { redactor, type Redactor } from './redact.js';
import { defaultTiming, type Timing } from './requests.js';
import type { RunInfo } from './run-info.js';
import { AllReporters, RedactingReporter } from './safe-reporter.js';
import { SummaryReporter } from './summary.js';

/** The commands that change what is live. */
const changing = ['deploy', 'rollback'];

export interface ReporterOptions {
  /** In place of GitHub's API; for tests. */
  api?: GitHubApi;
  timing?: Timing;
  /** Unix time in milliseconds. */
  now?: () => number;
  /** Called as soon as there is a check run or a deployment: its id is what a later step needs to correct it. */
  onCheckRun?: (run: CheckRunRef) => void;
  onDeployment?: (id: number) => void;
}

export interface Reporters {
  reporter: Reporter;
  /** For what is told elsewhere than by the reporter. */
  redact: Redactor;
  /** The check run's page; empty when there is none (yet). */
  checkRunUrl: () => string;
  checkRunId: () => number | undefined;
  deploymentId: () => number | undefined;
}

/**
 * Everything that shows a run on GitHub: the job's log, the check run, the deployment (with `environment` set), the job summary.
 * `status` and `plan` change nothing, so they have the log and the summary alone. Nothing in it ever throws.
 */
export function createReporters(info: RunInfo, options: ReporterOptions = {}): Reporters {
  const redact = redactor([info.token, ...info.secrets]);
  const log = new LogReporter(info.app);
  const say = (text: string): void => log.say(redact(text));
  const onGitHub = changing.includes(info.command) ? apiReporters(info, options, redact, log, say) : {};
  const others = [onGitHub.missing, onGitHub.checkRun, onGitHub.deployment, new SummaryReporter(info)].filter((one) => one !== undefined);
  return {
    reporter: new RedactingReporter(new AllReporters(log, others, say), redact),
    redact,
    checkRunUrl: () => onGitHub.checkRun?.url ?? '',
    checkRunId: () => onGitHub.checkRun?.id,
    deploymentId: () => onGitHub.deployment?.id,
  };
}

interface ApiReporters {
  checkRun?: CheckRunReporter;
  deployment?: DeploymentReporter;
  missing?: Reporter;
}

function apiReporters(info: RunInfo, options: ReporterOptions, redact: Redactor, log: LogReporter, say: (text: string) => void): ApiReporters {
  const inLog = (reason: string): void => {
    say(`${reason} The steps are annotated in the log instead.`);
    log.annotate = true;
  };
  if (!info.token || !info.repository) {
    const reason = info.token ? 'No check run: GITHUB_REPOSITORY is not set.' : 'No check run: the setting github-token is empty.';
    return { missing: new MissingReporter(() => inLog(reason)) };
  }
  const api = redactedApi(options.api ?? gitHubApi(info), redact);
  const timing = options.timing ?? defaultTiming;
  const now = options.now ?? Date.now;
  const checkRun = new CheckRunReporter(api, info, { timing, now, unavailable: inLog, created: quiet(options.onCheckRun, say) });
  const deployment = new DeploymentReporter(api, info, { timing, unavailable: say, created: quiet(options.onDeployment, say) });
  return info.environment ? { checkRun, deployment } : { checkRun };
}

/** Stands where the check run would, and says at the start why there is none. */
class MissingReporter implements Reporter {
  constructor(private readonly tell: () => void) {}

  start(): void {
    this.tell();
  }

  event(_event: Event): void {}

  finish(_outcome: Outcome): Promise<void> {
    return Promise.resolve();
  }
}

/** A caller's callback that cannot harm the request it is called from. */
function quiet<T>(callback: ((value: T) => void) | undefined, say: (text: string) => void): (value: T) => void {
  return (value) => {
    try {
      callback?.(value);
    } catch (error) {
      say(`The id of a report was not stored: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}
