import { randomBytes } from 'node:crypto';
import type * as Core from '@actions/core';
import { problemText, type DeployError } from './errors.js';
import type { Outcome } from './events.js';
import type { Run } from './engine/ledger.js';
import { keepaliveMs } from './host/lease.js';
import { connect, type Connection } from './host/connect.js';
import { reach, type Patience } from './host/reach.js';
import type { PrivateKey } from './host/keys.js';
import { secretLines, settingsFromInputs } from './inputs.js';
import { runInfoFromEnv, type RunInfo } from './report/run-info.js';
import { settingsSecrets } from './settings/secrets.js';
import type { Settings } from './settings/settings.js';

/**
 * The action's main run: settings in, engine, reporters, outputs. Gives whether it went well. What is not needed for connecting
 * is loaded while the handshake is under way: that is a good part of a short deploy's time.
 */
export async function runAction(): Promise<boolean> {
  const startedAt = Date.now();
  const { settings, key } = settingsFromInputs(process.env);
  // The first connection is on its way before there is anybody to tell what went wrong with it.
  const failures: DeployError[] = [];
  let tell = (error: DeployError): void => void failures.push(error);
  const connecting = connectTo(settings, key, { onFailure: (error) => tell(error) });
  connecting.catch(() => {});
  const [core, { createReporters }, { execute }] = await Promise.all([import('@actions/core'), import('./report/reporters.js'), import('./engine/run.js')]);
  for (const line of secretLines(settings)) core.setSecret(line);
  core.saveState('main', 'begun');
  core.saveState('started', String(startedAt));
  const run = runOf(process.env);
  core.saveState('run', run.key);
  const info = runInfo(settings, run);
  const reporters = createReporters(info, {
    onCheckRun: ({ id }) => core.saveState('check-run', String(id)),
    onDeployment: (id) => core.saveState('deployment', String(id)),
  });
  reporters.reporter.start();
  const connections = [connecting];
  const outcome = await execute(settings, {
    connect(patience) {
      const first = connections.pop();
      if (!first) return connectTo(settings, key, patience);
      tell = patience.onFailure ?? tell;
      failures.forEach(tell);
      return first;
    },
    emit: (event) => reporters.reporter.event(event),
    cancelled: cancelled(),
    run,
    begunAnew: ({ key: runKey }) => core.saveState('run', runKey),
    ours: info.ours,
    startedAt,
    now: Date.now,
  });
  await reporters.reporter.finish(outcome);
  setOutputs(core, outcome, reporters.checkRunUrl());
  // Else the post step asks the host what became of it.
  if (outcome.decided) core.saveState('reported', outcome.conclusion);
  if (outcome.conclusion === 'failure' || outcome.conclusion === 'cancelled') {
    core.setFailed(reporters.redact(outcome.problem ? `${outcome.sentence}\n${problemText(outcome.problem)}` : outcome.sentence));
    return false;
  }
  return true;
}

/** Connects to the host that the settings name, with some patience. */
export function connectTo(settings: Settings, key: PrivateKey, patience: Pick<Patience, 'leastMs' | 'onFailure'> = {}): Promise<Connection> {
  const { host, knownHosts, connectTimeout: connectTimeoutMs, lease, retries } = settings;
  const once = () => connect({ ...host, key, passphrase: '', knownHosts, connectTimeoutMs, keepaliveMs: keepaliveMs(lease) });
  return reach(once, { limitMs: connectTimeoutMs, lateTries: retries, ...patience });
}

/** Aborted when the runner cancels: SIGINT, some seconds later SIGTERM. */
function cancelled(): AbortSignal {
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancel.abort());
  return cancel.signal;
}

/** The run as the ledger and the lock name it. Its key is never another run's: not that of a step that runs the action again. */
export function runOf(env: Record<string, string | undefined>): Run {
  const { runUrl, runAttempt } = runInfoFromEnv(env);
  const key = [env.GITHUB_REPOSITORY, env.GITHUB_RUN_ID, runAttempt, env.GITHUB_JOB, env.GITHUB_ACTION]
    .filter(Boolean)
    .join('/')
    .replace(/[^A-Za-z0-9._/-]/g, '_');
  return { key: `${key || 'local'}/${randomBytes(6).toString('hex')}`, actor: env.GITHUB_ACTOR ?? '', url: runUrl, started: new Date().toISOString() };
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

/** Later steps put outputs into shell commands: what the host says it was has to look like it. */
function setOutputs(core: typeof Core, outcome: Outcome, checkRunUrl: string): void {
  const id = (text: string): string => (/^[0-9TZ]+-[0-9a-f]+$/.test(text) ? text : '');
  const steps = outcome.steps.map(({ name, status, ms }) => ({ name, status, ms }));
  core.setOutput('release', id(outcome.release));
  core.setOutput('previous-release', id(outcome.previousRelease));
  core.setOutput('sha', /^[0-9a-f]{40}$/.test(outcome.sha) ? outcome.sha : '');
  core.setOutput('slot', outcome.slot);
  core.setOutput('port', outcome.port || '');
  core.setOutput('switched', outcome.switched);
  core.setOutput('duration-ms', outcome.durationMs);
  core.setOutput('steps', JSON.stringify(steps));
  core.setOutput('status', outcome.status ?? '');
  core.setOutput('check-run-url', checkRunUrl);
}
