// A GitHub API on loopback: check runs and deployments, refusing what GitHub refuses. Node's own modules only.
import { createServer } from 'node:http';

/**
 * @typedef {{ method: string, path: string, operation: string, body: unknown, status: number, error: string }} RecordedRequest
 * @typedef {{ id: number, name: string, head_sha: string, status: string, conclusion: string | null, external_id: string, details_url: string,
 *   html_url: string, started_at: string | null, completed_at: string | null,
 *   output: { title: string | null, summary: string | null, text: string | null, annotations: Annotation[] } }} CheckRun
 * @typedef {{ path: string, start_line: number, end_line: number, annotation_level: string, message: string, title?: string, raw_details?: string }} Annotation
 * @typedef {{ id: number, sha: string, ref: string, task: string, environment: string, description: string, payload: any,
 *   production_environment: boolean, transient_environment: boolean }} Deployment
 * @typedef {{ id: number, deployment: number, state: string, description: string, log_url: string, environment_url: string }} DeploymentStatus
 * @typedef {{
 *   token?: string,
 *   permissions?: { checks?: string, deployments?: string },
 *   validate?: (operation: string, body: unknown) => string,
 *   failWith?: number | ((request: { operation: string, count: number }) => number | undefined),
 *   delayMs?: number | ((request: { operation: string, count: number }) => number),
 * }} Options `validate` gives what is wrong with a request's body, or an empty string. `failWith`: a status to answer with instead.
 */

class Refusal extends Error {
  /** @param {number} status @param {string} message @param {unknown[]} [errors] */
  constructor(status, message, errors) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** @type {[string, RegExp, string, 'checks' | 'deployments', 'read' | 'write'][]} */
const routes = [
  ['POST', /^\/check-runs$/, 'checks/create', 'checks', 'write'],
  ['PATCH', /^\/check-runs\/(\d+)$/, 'checks/update', 'checks', 'write'],
  ['GET', /^\/check-runs\/(\d+)$/, 'checks/get', 'checks', 'read'],
  ['POST', /^\/deployments$/, 'repos/create-deployment', 'deployments', 'write'],
  ['GET', /^\/deployments$/, 'repos/list-deployments', 'deployments', 'read'],
  ['POST', /^\/deployments\/(\d+)\/statuses$/, 'repos/create-deployment-status', 'deployments', 'write'],
  ['GET', /^\/deployments\/(\d+)\/statuses$/, 'repos/list-deployment-statuses', 'deployments', 'read'],
];

/**
 * Starts the API on 127.0.0.1, on a free port.
 * `requests` records each request with its answer's status; `checkRuns`, `deployments` and `statuses` are what was stored, oldest first.
 * @param {Options} [options]
 */
export async function startGitHub(options = {}) {
  const store = {
    /** @type {RecordedRequest[]} */ requests: [],
    /** @type {CheckRun[]} */ checkRuns: [],
    /** @type {Deployment[]} */ deployments: [],
    /** @type {DeploymentStatus[]} */ statuses: [],
  };
  const server = createServer((request, response) => {
    void answer(request, options, store).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, ...store, close };
}

async function answer(request, options, store) {
  const url = new URL(request.url, 'http://127.0.0.1');
  /** @type {RecordedRequest} */
  const record = { method: request.method, path: url.pathname, operation: '', body: undefined, status: 0, error: '' };
  store.requests.push(record);
  try {
    const body = await carryOut(request, url, options, store, record);
    record.status = request.method === 'POST' ? 201 : 200;
    return { status: record.status, body };
  } catch (error) {
    record.status = error.status ?? 500;
    record.error = error.message;
    return { status: record.status, body: { message: error.message, errors: error.errors, documentation_url: 'https://docs.github.com/rest', status: String(record.status) } };
  }
}

async function carryOut(request, url, options, store, record) {
  record.body = await bodyOf(request);
  const [, repository = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(\/.*)$/.exec(url.pathname) ?? [];
  const [, pattern, operation, permission, access] = routes.find(([method, path]) => method === request.method && path.test(rest)) ?? [];
  if (!operation) throw new Refusal(404, 'Not Found');
  record.operation = operation;
  const id = Number(pattern.exec(rest)?.[1] ?? 0);
  const about = { operation, count: store.requests.filter((other) => other.operation === operation).length };
  const delay = typeof options.delayMs === 'function' ? options.delayMs(about) : (options.delayMs ?? 0);
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay).unref());
  const failure = typeof options.failWith === 'function' ? options.failWith(about) : options.failWith;
  if (failure) throw new Refusal(failure, failure === 404 ? 'Not Found' : `Answering with ${failure}`);
  checkAccess(request, options, permission, access);
  const wrong = request.method === 'GET' ? '' : (options.validate?.(operation, record.body) ?? '');
  if (wrong) throw new Refusal(422, `Invalid request.\n\n${wrong}`);
  return operations[operation]({ body: record.body ?? {}, id, query: url.searchParams, repository, store });
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (chunks.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
}

function checkAccess(request, options, permission, access) {
  const [, token = ''] = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!token || (options.token && token !== options.token)) throw new Refusal(401, token ? 'Bad credentials' : 'Requires authentication');
  const granted = { checks: 'write', deployments: 'write', ...options.permissions }[permission];
  if (granted !== 'write' && granted !== access) throw new Refusal(403, 'Resource not accessible by integration');
}

const operations = {
  'checks/create'({ body, repository, store }) {
    if (!body.name) throw invalid('"name" wasn\'t supplied.');
    checkSha(body.head_sha);
    checkCheckRun(body);
    const id = 4_000_000_000 + store.checkRuns.length + 1;
    const output = { title: null, summary: null, text: null, annotations: [] };
    const html_url = `https://github.example/${repository}/runs/${id}`;
    const run = { id, name: body.name, head_sha: body.head_sha, status: 'queued', conclusion: null, external_id: '', details_url: '', html_url, started_at: null, completed_at: null, output };
    store.checkRuns.push(run);
    return changed(run, body);
  },
  'checks/update'({ body, id, store }) {
    const run = existing(store.checkRuns, id);
    checkCheckRun(body);
    return changed(run, body);
  },
  'checks/get': ({ id, store }) => shown(existing(store.checkRuns, id)),
  'repos/create-deployment'({ body, store }) {
    if (!body.ref) throw invalid('"ref" wasn\'t supplied.');
    if (/^[0-9a-f]{7,}$/.test(body.ref)) checkSha(body.ref);
    checkDescription(body);
    if (body.required_contexts === undefined || body.required_contexts.length > 0) throw new Refusal(409, `Conflict: Commit status checks failed for ${body.ref}.`);
    const environment = body.environment ?? 'production';
    const deployment = {
      id: 7_000 + store.deployments.length + 1,
      sha: body.ref,
      ref: body.ref,
      task: body.task ?? 'deploy',
      environment,
      description: body.description ?? '',
      payload: body.payload ?? '',
      production_environment: body.production_environment ?? environment === 'production',
      transient_environment: body.transient_environment ?? false,
    };
    store.deployments.push(deployment);
    return deployment;
  },
  'repos/list-deployments'({ query, store }) {
    const wanted = ['environment', 'task', 'ref', 'sha'].filter((key) => query.has(key));
    const found = store.deployments.filter((deployment) => wanted.every((key) => deployment[key] === query.get(key)));
    return page(found, query);
  },
  'repos/create-deployment-status'({ body, id, store }) {
    const deployment = existing(store.deployments, id);
    if (!['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success'].includes(body.state)) throw invalid('"state" is not included in the list.');
    checkDescription(body);
    if (body.state === 'success' && (body.auto_inactive ?? true)) retireOthers(deployment, store);
    return addStatus(store, id, body);
  },
  'repos/list-deployment-statuses'({ id, query, store }) {
    existing(store.deployments, id);
    return page(store.statuses.filter((status) => status.deployment === id), query);
  },
};

function changed(run, body) {
  for (const key of ['name', 'status', 'external_id', 'details_url', 'started_at', 'completed_at']) if (body[key] !== undefined) run[key] = body[key];
  if (body.conclusion) Object.assign(run, { conclusion: body.conclusion, status: 'completed', completed_at: run.completed_at ?? new Date().toISOString() });
  if (body.output) {
    const { annotations = [], ...texts } = body.output;
    Object.assign(run.output, texts);
    run.output.annotations.push(...annotations);
  }
  return shown(run);
}

function shown(run) {
  const { annotations, ...texts } = run.output;
  return { ...run, output: { ...texts, annotations_count: annotations.length } };
}

function checkCheckRun({ status, conclusion, completed_at, output }) {
  if (status === 'completed' && !conclusion) throw invalid('"conclusion" wasn\'t supplied: it is required when the status is completed.');
  if (conclusion && status && status !== 'completed') throw invalid(`A check run with the status ${status} has no conclusion.`);
  if (completed_at && !conclusion) throw invalid('"conclusion" wasn\'t supplied: it is required with completed_at.');
  if (output) checkOutput(output);
}

function checkOutput({ title, summary, text, annotations = [] }) {
  if (typeof title !== 'string' || title === '') throw invalid('"title" wasn\'t supplied.');
  if (typeof summary !== 'string') throw invalid('"summary" wasn\'t supplied.');
  checkLength('title', title, 255);
  checkLength('summary', summary, 65_535);
  checkLength('text', text, 65_535);
  if (annotations.length > 50) throw invalid(`Only 50 annotations are allowed per request; ${annotations.length} were supplied.`);
  for (const annotation of annotations) checkAnnotation(annotation);
}

function checkAnnotation(annotation) {
  if (!annotation.path) throw invalid('"path" wasn\'t supplied.');
  if (!(annotation.start_line >= 1) || !(annotation.end_line >= annotation.start_line)) throw invalid('"start_line" and "end_line" count from 1, in this order.');
  if (!['notice', 'warning', 'failure'].includes(annotation.annotation_level)) throw invalid('"annotation_level" is not included in the list.');
  if (!annotation.message) throw invalid('"message" wasn\'t supplied.');
  checkLength('title', annotation.title, 255);
  for (const key of ['message', 'raw_details']) {
    if (Buffer.byteLength(annotation[key] ?? '') > 64 * 1024) throw invalid(`"${key}" is longer than 64 KB.`);
  }
}

function checkLength(name, text = '', most) {
  if ([...text].length > most) throw invalid(`Only ${most} characters are allowed for "${name}"; ${[...text].length} were supplied.`);
}

function checkDescription({ description }) {
  if ([...(description ?? '')].length > 140) throw new Refusal(422, 'Validation Failed', [{ field: 'description', code: 'custom', message: 'description is too long (maximum is 140 characters)' }]);
}

function checkSha(sha) {
  if (!/^[0-9a-f]{40}$/.test(sha ?? '')) throw new Refusal(422, `No commit found for SHA: ${sha}`);
}

function retireOthers(deployment, store) {
  for (const other of store.deployments) {
    const current = store.statuses.filter((status) => status.deployment === other.id).at(-1);
    const same = other.id < deployment.id && other.environment === deployment.environment;
    if (same && current?.state === 'success' && !other.production_environment && !other.transient_environment) addStatus(store, other.id, { state: 'inactive' });
  }
}

function addStatus(store, deployment, { state, description = '', log_url = '', environment_url = '' }) {
  const status = { id: 90_000 + store.statuses.length + 1, deployment, state, description, log_url, environment_url };
  store.statuses.push(status);
  return status;
}

/** Newest first, as GitHub lists. */
function page(found, query) {
  const size = Number(query.get('per_page') ?? 30);
  const from = (Number(query.get('page') ?? 1) - 1) * size;
  return [...found].reverse().slice(from, from + size);
}

function existing(list, id) {
  const found = list.find((item) => item.id === id);
  if (!found) throw new Refusal(404, 'Not Found');
  return found;
}

function invalid(message) {
  return new Refusal(422, `Invalid request.\n\n${message}`);
}
