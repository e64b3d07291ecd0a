import type { Outcome } from '../events.js';
import { iso } from './check-run.js';
import { finalOutput } from './check-run-text.js';
import { endDeployment } from './deployment.js';
import { gitHubApi, redactedApi, type GitHubApi } from './github-api.js';
import { redactor } from './redact.js';
import { defaultTiming, explain, requestFailure, Requests, type Timing } from './requests.js';
import type { RunInfo } from './run-info.js';
import { redactOutcome } from './safe-reporter.js';

export interface CorrectOptions {
  /** In place of GitHub's API; for tests. */
  api?: GitHubApi;
  timing?: Timing;
}

/**
 * Completes a check run that its own run could not complete: the runner was faster with its kill.
 * Gives an empty string, or why it was not written and what to do. Never rejects.
 */
export function correctCheckRun(info: RunInfo, id: number, outcome: Outcome, options: CorrectOptions = {}): Promise<string> {
  return correct(info, outcome, options, 'The check run was not corrected', 'checks: write', async (api, requests, said) => {
    const end = { status: 'completed' as const, conclusion: said.conclusion, completed_at: iso(said.startedAt + said.durationMs) };
    await requests.send((signal) => api.updateCheckRun(id, { ...end, output: finalOutput(info, said) }, signal));
  });
}

/** The same for a deployment that was left in progress. */
export function correctDeployment(info: RunInfo, id: number, outcome: Outcome, options: CorrectOptions = {}): Promise<string> {
  return correct(info, outcome, options, 'The deployment was not corrected', 'deployments: write', (api, requests, said) =>
    endDeployment(api, requests, info, id, said),
  );
}

async function correct(
  info: RunInfo,
  outcome: Outcome,
  options: CorrectOptions,
  failed: string,
  permission: string,
  act: (api: GitHubApi, requests: Requests, outcome: Outcome) => Promise<void>,
): Promise<string> {
  const redact = redactor([info.token, ...info.secrets]);
  const requests = new Requests(options.timing ?? defaultTiming);
  try {
    const api = redactedApi(options.api ?? gitHubApi(info), redact);
    await requests.lastActs(() => act(api, requests, redactOutcome(outcome, redact)));
    return '';
  } catch (error) {
    return redact(explain(failed, requestFailure(error), permission));
  }
}
