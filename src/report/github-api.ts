import type { Conclusion, Level } from '../events.js';
import type { Redactor } from './redact.js';
import type { RunInfo } from './run-info.js';

export interface CheckAnnotation {
  path: string;
  start_line: number;
  end_line: number;
  annotation_level: Level;
  message: string;
  title: string;
  raw_details?: string;
}

export interface CheckRunUpdate {
  status: 'in_progress' | 'completed';
  conclusion?: Conclusion;
  completed_at?: string;
  output: { title: string; summary: string; text: string; annotations?: CheckAnnotation[] };
}

export interface NewCheckRun extends CheckRunUpdate {
  name: string;
  head_sha: string;
  started_at: string;
  external_id: string;
  details_url?: string;
}

export interface CheckRunRef {
  id: number;
  html_url: string | null;
}

export interface NewDeployment {
  ref: string;
  task: string;
  environment: string;
  auto_merge: false;
  required_contexts: string[];
  description: string;
  payload: Record<string, string>;
}

export type DeploymentState = 'in_progress' | 'success' | 'failure' | 'error' | 'inactive';

export interface NewDeploymentStatus {
  state: DeploymentState;
  description: string;
  log_url?: string;
  environment_url?: string;
  auto_inactive: false;
}

/** The few calls of GitHub's API that the reporters need. Each rejects with an error that has the HTTP `status`, if there was one. */
export interface GitHubApi {
  createCheckRun(run: NewCheckRun, signal: AbortSignal): Promise<CheckRunRef>;
  updateCheckRun(id: number, run: CheckRunUpdate, signal: AbortSignal): Promise<CheckRunRef>;
  createDeployment(deployment: NewDeployment, signal: AbortSignal): Promise<{ id: number }>;
  createDeploymentStatus(id: number, status: NewDeploymentStatus, signal: AbortSignal): Promise<void>;
  /** The newest deployments of an environment and task, newest first. */
  listDeployments(filter: { environment: string; task: string; newest: number }, signal: AbortSignal): Promise<{ id: number }[]>;
  /** The state of a deployment's newest status; empty when it has none. */
  deploymentState(id: number, signal: AbortSignal): Promise<string>;
}

/** GitHub's API, by Octokit, which is loaded with the first request; the runner's proxy settings hold. */
export function gitHubApi(info: Pick<RunInfo, 'apiUrl' | 'token' | 'repository'>): GitHubApi {
  const load = async () => (await import('@actions/github')).getOctokit(info.token, info.apiUrl ? { baseUrl: info.apiUrl } : {}).rest;
  let loaded: ReturnType<typeof load> | undefined;
  const rest = () => (loaded ??= load());
  const [owner = '', repo = ''] = info.repository.split('/');
  const at = (signal: AbortSignal) => ({ owner, repo, request: { signal } });
  return {
    createCheckRun: async (run, signal) => (await (await rest()).checks.create({ ...run, ...at(signal) })).data,
    updateCheckRun: async (id, run, signal) => (await (await rest()).checks.update({ check_run_id: id, ...run, ...at(signal) })).data,
    async createDeployment(deployment, signal) {
      const { data } = await (await rest()).repos.createDeployment({ ...deployment, ...at(signal) });
      // 202: GitHub merged a branch instead of deploying. Not with auto_merge off, but its answer has no id.
      if (!('id' in data)) throw new Error(data.message ?? 'no deployment was made');
      return data;
    },
    async createDeploymentStatus(id, status, signal) {
      await (await rest()).repos.createDeploymentStatus({ deployment_id: id, ...status, ...at(signal) });
    },
    listDeployments: async ({ newest, ...filter }, signal) => (await (await rest()).repos.listDeployments({ ...filter, per_page: newest, ...at(signal) })).data,
    deploymentState: async (id, signal) => (await (await rest()).repos.listDeploymentStatuses({ deployment_id: id, per_page: 1, ...at(signal) })).data[0]?.state ?? '',
  };
}

/**
 * The same API, with all free text redacted: whatever a reporter forgot, no secret leaves in a request.
 * Names, commits and states stay: they are checked settings or GitHub's own words, and branch rules go by a check run's name.
 */
export function redactedApi(api: GitHubApi, redact: Redactor): GitHubApi {
  const output = <T extends CheckRunUpdate>(run: T): T => ({ ...run, output: redactStrings(run.output, redact, ['path', 'annotation_level']) });
  return {
    ...api,
    createCheckRun: (run, signal) => api.createCheckRun(output(run), signal),
    updateCheckRun: (id, run, signal) => api.updateCheckRun(id, output(run), signal),
    createDeployment: (deployment, signal) =>
      api.createDeployment({ ...deployment, description: redact(deployment.description), payload: redactStrings(deployment.payload, redact) }, signal),
    createDeploymentStatus: (id, status, signal) => api.createDeploymentStatus(id, redactStrings(status, redact, ['state', 'log_url']), signal),
  };
}

/** A copy of a JSON value with every string redacted, except under the keys in `keep`. */
export function redactStrings<T>(value: T, redact: (text: string) => string, keep: string[] = []): T {
  const visit = (part: unknown): unknown => {
    if (typeof part === 'string') return redact(part);
    if (Array.isArray(part)) return part.map(visit);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, keep.includes(key) ? inner : visit(inner)]));
  };
  return visit(value) as T;
}
