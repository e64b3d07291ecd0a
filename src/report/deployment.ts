import type { Event, Outcome, Reporter } from '../events.js';
import { oneLine } from './clean.js';
import type { DeploymentState, GitHubApi, NewDeploymentStatus } from './github-api.js';
import { explain, requestFailure, Requests, type Timing } from './requests.js';
import type { RunInfo } from './run-info.js';

/** GitHub's limit for a description, in characters. */
const longestDescription = 140;
/** So many of the deployments before are looked at; each success clears those before it, so one is usual. */
const newest = 10;

/** Steps in which nothing of the deploy itself was tried yet. */
const preparing = ['', 'connect', 'lock', 'reconcile', 'survey', 'probe'];

export interface DeploymentOptions {
  timing: Timing;
  /** Called once if the deployment cannot be recorded, with the reason and what to do. */
  unavailable: (reason: string) => void;
  /** Called once, as soon as there is a deployment. */
  created?: (id: number) => void;
}

/** A GitHub deployment of the run, in the environment that the settings name, with its statuses. */
export class DeploymentReporter implements Reporter {
  private readonly requests: Requests;
  private begun: Promise<void> | undefined;
  private deployment: number | undefined;
  private told = false;

  constructor(
    private readonly api: GitHubApi,
    private readonly info: RunInfo,
    private readonly options: DeploymentOptions,
  ) {
    this.requests = new Requests(options.timing);
  }

  get id(): number | undefined {
    return this.deployment;
  }

  start(): void {
    if (this.info.deploySha) this.begin(this.info.deploySha, this.info.ours);
  }

  event(event: Event): void {
    if (event.type === 'commit') this.begin(event.sha, event.ours);
  }

  /** Without a known commit there is no deployment: nothing was deployed, and GitHub would need a commit to hang it on. */
  finish(outcome: Outcome): Promise<void> {
    return this.requests.lastActs(async () => {
      await this.begun;
      const id = this.deployment;
      if (id !== undefined) await this.tried(() => endDeployment(this.api, this.requests, this.info, id, outcome));
    });
  }

  private begin(sha: string, ours: boolean): void {
    this.begun ??= this.tried(() => this.create(ours ? sha : this.info.workflowSha, sha));
  }

  private async create(ref: string, sha: string): Promise<void> {
    const { app, host, environment, command } = this.info;
    const { id } = await this.requests.send((signal) =>
      this.api.createDeployment(
        {
          ref,
          task: task(this.info),
          environment,
          auto_merge: false,
          required_contexts: [],
          description: oneLine(`${command} of ${app} to ${host}`, longestDescription),
          payload: { app, command, sha, run: this.info.runKey },
        },
        signal,
      ),
    );
    this.deployment = id;
    this.options.created?.(id);
    const status = statusBody(this.info, 'in_progress', `${command} of ${app} is under way`);
    await this.requests.send((signal) => this.api.createDeploymentStatus(id, status, signal));
  }

  private async tried(acts: () => Promise<void>): Promise<void> {
    try {
      await acts();
    } catch (error) {
      if (!this.told) this.options.unavailable(explain('The deployment was not recorded', requestFailure(error), 'deployments: write'));
      this.told = true;
    }
  }
}

/** Gives a deployment its last status; after a success, those before it that still count as active become inactive. */
export async function endDeployment(api: GitHubApi, requests: Requests, info: RunInfo, id: number, outcome: Outcome): Promise<void> {
  const state = finalState(outcome);
  await requests.send((signal) => api.createDeploymentStatus(id, statusBody(info, state, outcome.sentence), signal));
  if (state === 'success') await retireOthers(api, requests, info, id);
}

/** Only those in state `success`: a failed one keeps saying that it failed. */
async function retireOthers(api: GitHubApi, requests: Requests, info: RunInfo, id: number): Promise<void> {
  const filter = { environment: info.environment, task: task(info), newest };
  const found = await requests.send((signal) => api.listDeployments(filter, signal));
  const retire = async (other: number): Promise<void> => {
    if ((await requests.send((signal) => api.deploymentState(other, signal))) !== 'success') return;
    const status = statusBody(info, 'inactive', 'Another release is live now');
    await requests.send((signal) => api.createDeploymentStatus(other, status, signal));
  };
  await Promise.all(found.filter((other) => other.id !== id).map((other) => retire(other.id)));
}

/**
 * What GitHub shows of a run that ended. One that was cancelled or skipped before the switch is `inactive`: GitHub draws
 * that in grey and leaves the deployment before it as the active one, which is the truth; `error` and `failure` are red and
 * would blame a commit that was never tried. What is live is a success, even if the job was cancelled after the switch.
 */
function finalState(outcome: Outcome): DeploymentState {
  if (outcome.conclusion === 'success') return 'success';
  if (outcome.conclusion === 'failure') return preparing.includes(outcome.problem?.step ?? '') ? 'error' : 'failure';
  return outcome.switched ? 'success' : 'inactive';
}

function statusBody(info: RunInfo, state: DeploymentState, description: string): NewDeploymentStatus {
  return {
    state,
    description: oneLine(description, longestDescription),
    ...(info.runUrl ? { log_url: info.runUrl } : {}),
    ...(info.environmentUrl && state === 'success' ? { environment_url: info.environmentUrl } : {}),
    // GitHub's own clearing goes by environment alone: it would retire another app's deployment, and it skips production.
    auto_inactive: false,
  };
}

function task(info: RunInfo): string {
  return `deploy:${info.app}`;
}
