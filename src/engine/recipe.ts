import { DeployError } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import type { Release } from './facts.js';
import type { Run } from './ledger.js';
import type { Recipe, Target } from './steps/step.js';

/** How today's settings start, ask and stop the app. */
export function recipeOf(settings: Settings): Recipe {
  return {
    supervisor: settings.supervisor,
    listen: settings.listen,
    start: settings.start,
    stop: settings.stop,
    shell: settings.shell,
    path: settings.path,
    portFiles: settings.portFiles,
    stopTimeoutMs: settings.stopTimeout,
    drainTimeoutMs: settings.drainTimeout,
    healthPath: settings.healthPath,
    healthStatus: settings.healthStatus,
    healthHost: settings.healthHost,
    healthTimeoutMs: settings.healthTimeout,
    healthPasses: settings.healthPasses,
  };
}

/** What `.release.json` holds: one line, no secrets. */
export function releaseJson(settings: Settings, target: Target, run: Run): string {
  return JSON.stringify({
    id: target.release,
    sha: target.sha,
    ref: settings.ref,
    repository: settings.repository,
    actor: run.actor,
    url: run.url,
    created: run.started,
    recipe: target.recipe,
  });
}

/**
 * How a release was started when it was deployed.
 *
 * @throws DeployError when it does not tell
 */
export function storedRecipe(release: Release): Recipe {
  // Releases from before there was a choice listen on a port.
  if (isRecipe(release.recipe)) return { ...release.recipe, listen: release.recipe.listen === 'socket' ? 'socket' : 'port' };
  throw new DeployError({
    step: 'survey',
    what: `release ${release.id} does not tell how it is started`,
    next: 'Give the setting start (and health-path and what else the deploy has) in the rollback workflow too.',
    settings: ['start'],
  });
}

function isRecipe(value: unknown): value is Recipe {
  const found = value as Partial<Record<keyof Recipe, unknown>> | null | undefined;
  const texts: (keyof Recipe)[] = ['start', 'stop', 'shell', 'path', 'healthPath', 'healthHost'];
  const numbers: (keyof Recipe)[] = ['stopTimeoutMs', 'drainTimeoutMs', 'healthTimeoutMs', 'healthPasses'];
  return (
    typeof found === 'object' &&
    found !== null &&
    (found.supervisor === 'process' || found.supervisor === 'command') &&
    texts.every((name) => typeof found[name] === 'string') &&
    numbers.every((name) => typeof found[name] === 'number') &&
    Array.isArray(found.portFiles) &&
    found.portFiles.every((file) => typeof file === 'string') &&
    Array.isArray(found.healthStatus) &&
    found.healthStatus.every((range: Partial<Record<string, unknown>> | null) => typeof range?.from === 'number' && typeof range.to === 'number')
  );
}
