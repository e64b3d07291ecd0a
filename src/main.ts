// First of all: it makes the SSH library's one path of its own work in this bundle.
import './host/dirname.js';
import * as core from '@actions/core';
import { DeployError, problemText } from './errors.js';
import { postRun } from './post.js';
import { runAction } from './action.js';

// The one place that decides how the process ends. `post` runs the same bundle once more, after the job's other steps.
const isPost = core.getState('main') === 'begun';

process.on('unhandledRejection', (error) => fail(error));

try {
  if (isPost) await postRun();
  else if (!(await runAction())) process.exitCode = 1;
} catch (error) {
  fail(error);
}
// A connection or a timer that is left must not keep the job waiting.
process.exit();

function fail(error: unknown): void {
  const text = error instanceof DeployError ? problemText(error.problem) : error instanceof Error ? (error.stack ?? error.message) : String(error);
  core.setFailed(text);
}
