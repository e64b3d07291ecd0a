// First of all: it makes the SSH library's one path of its own work in this bundle.
import './host/dirname.js';
import { DeployError, problemText } from './errors.js';
import { runAction } from './action.js';

// Written through at once: a pipe's queue would grow without bound under a slow reader, and be lost at the exit.
for (const stream of [process.stdout, process.stderr]) {
  (stream as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(true);
}

process.on('unhandledRejection', (error) => void fail(error));

// The one place that decides how the process ends. The post step runs the same bundle once more, after the job's other steps;
// a main step that was killed before it began has left nothing to correct.
try {
  if (process.env.BLUEGREEN_POST) {
    if (process.env.STATE_main === 'begun') await (await import('./post.js')).postRun();
  } else if (!(await runAction())) process.exitCode = 1;
} catch (error) {
  await fail(error);
}
// A connection or a timer that is left must not keep the job waiting.
process.exit();

async function fail(error: unknown): Promise<void> {
  const core = await import('@actions/core');
  const text = error instanceof DeployError ? problemText(error.problem) : error instanceof Error ? (error.stack ?? error.message) : String(error);
  core.setFailed(text);
}
