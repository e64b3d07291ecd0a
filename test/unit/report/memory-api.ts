import type { CheckRunUpdate, GitHubApi, NewCheckRun, NewDeployment, NewDeploymentStatus } from '../../../src/report/github-api.js';

export type Call =
  | { call: 'createCheckRun'; body: NewCheckRun }
  | { call: 'updateCheckRun'; id: number; body: CheckRunUpdate }
  | { call: 'createDeployment'; body: NewDeployment }
  | { call: 'createDeploymentStatus'; id: number; body: NewDeploymentStatus }
  | { call: 'listDeployments' | 'deploymentState' };

/** An API that remembers what it was asked. `before` runs before each answer: it may wait or throw. */
export function memoryApi(before: (call: Call, count: number) => Promise<void> | void = () => {}) {
  const calls: Call[] = [];
  let busy = 0;
  let mostAtOnce = 0;
  const states = new Map<number, string>();
  const take = async <T>(call: Call, answer: () => T): Promise<T> => {
    calls.push(structuredClone(call));
    mostAtOnce = Math.max(mostAtOnce, ++busy);
    try {
      await before(call, calls.filter((other) => other.call === call.call).length);
      return answer();
    } finally {
      busy--;
    }
  };
  const api: GitHubApi = {
    createCheckRun: (body) => take({ call: 'createCheckRun', body }, () => ({ id: 1, html_url: 'https://github.example/runs/1' })),
    updateCheckRun: (id, body) => take({ call: 'updateCheckRun', id, body }, () => ({ id, html_url: 'https://github.example/runs/1' })),
    createDeployment: (body) => take({ call: 'createDeployment', body }, () => ({ id: 100 })),
    createDeploymentStatus: (id, body) => take({ call: 'createDeploymentStatus', id, body }, () => void states.set(id, body.state)),
    listDeployments: () => take({ call: 'listDeployments' }, () => [...states.keys()].reverse().map((id) => ({ id }))),
    deploymentState: (id) => take({ call: 'deploymentState' }, () => states.get(id) ?? ''),
  };
  const checkRuns = () => calls.filter((call) => call.call === 'createCheckRun' || call.call === 'updateCheckRun');
  const annotations = () => checkRuns().flatMap((call) => call.body.output.annotations ?? []);
  return { api, calls, states, checkRuns, annotations, mostAtOnce: () => mostAtOnce };
}

/** An error as GitHub's client throws it. */
export function httpError(status: number, message = `answer ${status}`): Error {
  return Object.assign(new Error(message), { status });
}

/** Lets everything that is ready run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

export const quick = { requestMs: 200, retryDelaysMs: [1, 1], finishMs: 500 };
