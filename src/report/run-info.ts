import { readFileSync } from 'node:fs';

/** What the reporters know of a run before it starts. */
export interface RunInfo {
  app: string;
  /** The GitHub environment, or empty. */
  environment: string;
  environmentUrl: string;
  host: string;
  /** `deploy`, `rollback`, `status` or `plan`. */
  command: string;
  /** `owner/repo` of the workflow. */
  repository: string;
  workflowSha: string;
  /** The commit that is deployed; empty while it is not known. */
  deploySha: string;
  /** Whether `deploySha` is a commit of `repository`. */
  ours: boolean;
  runUrl: string;
  runAttempt: string;
  /** The workflow's file in the repository; annotations stand on it. */
  workflowPath: string;
  /** Names this run to the host's ledger and to the check run (`external_id`). */
  runKey: string;
  apiUrl: string;
  token: string;
  secrets: string[];
}

/** The name of a run's check run, and the head of its summary: `bluegreen: shop @ production`. */
export function checkRunName(info: Pick<RunInfo, 'app' | 'environment'>): string {
  return `bluegreen: ${info.app}${info.environment ? ` @ ${info.environment}` : ''}`;
}

/** The part of a run's information that the runner gives. */
export type GitHubRun = Pick<RunInfo, 'repository' | 'workflowSha' | 'runUrl' | 'runAttempt' | 'workflowPath' | 'apiUrl'>;

/**
 * Reads what the runner says about the workflow's run; what it does not say is empty.
 * Source: docs.github.com, "Variables reference", default environment variables.
 */
export function runInfoFromEnv(env: Record<string, string | undefined>): GitHubRun {
  const server = env.GITHUB_SERVER_URL || 'https://github.com';
  const repository = env.GITHUB_REPOSITORY ?? '';
  const run = env.GITHUB_RUN_ID ?? '';
  return {
    repository,
    workflowSha: pullRequestHead(env) || (env.GITHUB_SHA ?? ''),
    runUrl: repository && run ? `${server}/${repository}/actions/runs/${run}` : '',
    runAttempt: env.GITHUB_RUN_ATTEMPT || '1',
    workflowPath: workflowPath(env.GITHUB_WORKFLOW_REF ?? '', repository),
    apiUrl: env.GITHUB_API_URL || 'https://api.github.com',
  };
}

/** `owner/repo/.github/workflows/deploy.yml@refs/heads/main` without its ends. */
function workflowPath(ref: string, repository: string): string {
  const path = ref.split('@')[0] ?? '';
  return repository && path.startsWith(`${repository}/`) ? path.slice(repository.length + 1) : '.github';
}

/** For a pull request GITHUB_SHA is a merge commit that nobody sees; its head is what the page shows. */
function pullRequestHead(env: Record<string, string | undefined>): string {
  const event = env.GITHUB_EVENT_NAME ?? '';
  // pull_request_target runs on the base branch: GITHUB_SHA is the right commit there.
  if (!event.startsWith('pull_request') || event === 'pull_request_target' || !env.GITHUB_EVENT_PATH) return '';
  try {
    const payload = JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, 'utf8')) as { pull_request?: { head?: { sha?: unknown } } } | null;
    const sha = payload?.pull_request?.head?.sha;
    return typeof sha === 'string' ? sha : '';
  } catch {
    return '';
  }
}
