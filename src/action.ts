import * as core from '@actions/core';
import { problemText } from './errors.js';
import type { Outcome } from './events.js';
import { execute, type Door } from './engine/run.js';
import type { Run } from './engine/ledger.js';
import { connect } from './host/connect.js';
import type { PrivateKey } from './host/keys.js';
import { settingsFromInputs } from './inputs.js';
import { createReporters } from './report/reporters.js';
import { runInfoFromEnv, type RunInfo } from './report/run-info.js';
import { settingsSecrets } from './settings/secrets.js';
import type { Settings } from './settings/settings.js';

/** The action's main run: settings in, engine, reporters, outputs. Gives whether it went well. */
export async function runAction(): Promise<boolean> {
  core.saveState('main', 'begun');
  core.saveState('started', String(Date.now()));
  const { settings, key } = settingsFromInputs();
  const run = runOf(process.env);
  const info = runInfo(settings, run);
  const reporters = createReporters(info, {
    onCheckRun: ({ id }) => core.saveState('check-run', String(id)),
    onDeployment: (id) => core.saveState('deployment', String(id)),
  });
  const door = doorOf({ settings, key, run, info }, (event) => reporters.reporter.event(event));
  reporters.reporter.start();
  const outcome = await execute(settings, door);
  await reporters.reporter.finish(outcome);
  setOutputs(outcome, reporters.checkRunUrl());
  // Else the post step asks the host what became of it.
  if (outcome.decided) core.saveState('reported', outcome.conclusion);
  if (outcome.conclusion === 'failure' || outcome.conclusion === 'cancelled') {
    core.setFailed(outcome.problem ? `${outcome.sentence}\n${problemText(outcome.problem)}` : outcome.sentence);
    return false;
  }
  return true;
}

/** The run as the ledger and the lock name it. The key is the same in the post step. */
export function runOf(env: Record<string, string | undefined>): Run {
  const { runUrl, runAttempt } = runInfoFromEnv(env);
  const key = [env.GITHUB_REPOSITORY, env.GITHUB_RUN_ID, runAttempt, env.GITHUB_JOB, env.GITHUB_ACTION]
    .filter(Boolean)
    .join('/')
    .replace(/[^A-Za-z0-9._/-]/g, '_');
  return { key: key || `local-${process.pid}`, actor: env.GITHUB_ACTOR ?? '', url: runUrl, started: new Date().toISOString() };
}

/** What the reporters are told of this run. */
export function runInfo(settings: Settings, run: Run): RunInfo {
  const known = runInfoFromEnv(process.env);
  const server = process.env.GITHUB_SERVER_URL ?? 'https://github.com';
  const ours = Boolean(known.repository) && settings.repository.replace(/\.git$/, '') === `${server}/${known.repository}`;
  return {
    ...known,
    app: settings.app,
    environment: settings.environment,
    environmentUrl: settings.environmentUrl,
    host: settings.host.host,
    command: settings.command,
    deploySha: settings.command === 'deploy' && /^[0-9a-f]{40}$/.test(settings.ref) ? settings.ref : '',
    ours,
    runKey: run.key,
    token: settings.githubToken,
    secrets: settingsSecrets(settings),
  };
}

/** How the engine reaches the host and the world. */
export function doorOf({ settings, key, run, info }: { settings: Settings; key: PrivateKey; run: Run; info: RunInfo }, emit: Door['emit']): Door {
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancel.abort());
  return {
    connect: () =>
      connect({
        ...settings.host,
        key,
        passphrase: '',
        knownHosts: settings.knownHosts,
        connectTimeoutMs: settings.connectTimeout,
      }),
    emit,
    cancelled: cancel.signal,
    run,
    ours: info.ours,
    now: Date.now,
  };
}

function setOutputs(outcome: Outcome, checkRunUrl: string): void {
  const steps = outcome.steps.map(({ name, status, ms }) => ({ name, status, ms }));
  core.setOutput('release', outcome.release);
  core.setOutput('previous-release', outcome.previousRelease);
  core.setOutput('sha', outcome.sha);
  core.setOutput('slot', outcome.slot);
  core.setOutput('port', outcome.port || '');
  core.setOutput('switched', outcome.switched);
  core.setOutput('duration-ms', outcome.durationMs);
  core.setOutput('steps', JSON.stringify(steps));
  core.setOutput('check-run-url', checkRunUrl);
}
