import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';

type Schema = { [key: string]: unknown };

const description = new URL('../../node_modules/@octokit/openapi/generated/api.github.com.json', import.meta.url);

const operations: Record<string, [path: string, method: string]> = {
  'checks/create': ['/repos/{owner}/{repo}/check-runs', 'post'],
  'checks/update': ['/repos/{owner}/{repo}/check-runs/{check_run_id}', 'patch'],
  'repos/create-deployment': ['/repos/{owner}/{repo}/deployments', 'post'],
  'repos/create-deployment-status': ['/repos/{owner}/{repo}/deployments/{deployment_id}/statuses', 'post'],
};

/** A check of request bodies against GitHub's own description of its API: gives what is wrong, or an empty string. */
export function gitHubValidator(): (operation: string, body: unknown) => string {
  const api = JSON.parse(readFileSync(description, 'utf8')) as { paths: Record<string, Record<string, Operation>> };
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajvFormats.default(ajv);
  const validators = new Map<string, ValidateFunction>();
  for (const [operation, [path, method]] of Object.entries(operations)) {
    const found = api.paths[path]?.[method];
    if (found?.operationId !== operation) throw new Error(`GitHub's description has no ${operation} at ${method} ${path}`);
    validators.set(operation, ajv.compile(strict(found.requestBody.content['application/json'].schema)));
  }
  return (operation, body) => {
    const validate = validators.get(operation);
    if (!validate) return `no description of ${operation}`;
    return validate(body) ? '' : ajv.errorsText(validate.errors);
  };
}

interface Operation {
  operationId: string;
  requestBody: { content: { 'application/json': { schema: Schema } } };
}

/** What the description leaves to prose: lines count from 1, and unknown keys are refused. */
function strict(schema: Schema): Schema {
  const properties = schema.properties as Record<string, Schema> | undefined;
  const copy: Schema = { ...schema };
  if (schema.items) copy.items = strict(schema.items as Schema);
  if (!properties) return copy;
  copy.properties = Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, /_(line|column)$/.test(name) ? { ...inner, minimum: 1 } : strict(inner)]),
  );
  if (schema.additionalProperties === undefined) copy.additionalProperties = false;
  return copy;
}
