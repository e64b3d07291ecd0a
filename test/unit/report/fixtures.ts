import { jest } from '@jest/globals';
import type { Problem } from '../../../src/errors.js';
import type { Level, Outcome, Reporter, StepResult, StepStatus } from '../../../src/events.js';
import type { RunInfo } from '../../../src/report/run-info.js';

export const sha = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d';
export const workflowSha = 'ffffffffffffffffffffffffffffffffffffffff';

export function runInfo(changes: Partial<RunInfo> = {}): RunInfo {
  return {
    app: 'shop',
    environment: '',
    environmentUrl: '',
    host: 'deploy@shop.example.com',
    command: 'deploy',
    repository: 'octo/shop',
    workflowSha,
    deploySha: sha,
    ours: true,
    runUrl: 'https://github.example/octo/shop/actions/runs/42',
    runAttempt: '3',
    workflowPath: '.github/workflows/deploy.yml',
    runKey: '42.3',
    apiUrl: 'http://127.0.0.1:9',
    token: 'ghs_workflowtoken',
    secrets: [],
    ...changes,
  };
}

export function step(name: string, status: StepStatus = 'success', notes: [Level, string][] = [], ms = 400, startMs = 0): StepResult {
  return { name, status, startMs, ms, notes: notes.map(([level, text]) => ({ level, text })) };
}

export const healthProblem: Problem = {
  what: 'the app did not become healthy within 60 s',
  step: 'health',
  host: 'deploy@shop.example.com',
  next: 'Look at the last lines of the app below.',
  settings: ['health-timeout', 'health-path'],
  details: 'listening on 9502\nError: no database',
};

export function outcome(changes: Partial<Outcome> = {}): Outcome {
  return {
    conclusion: 'success',
    sentence: 'shop: release 20261122T101500Z-1a2b3c4 is live on green, port 9502.',
    switched: true,
    decided: true,
    release: '20261122T101500Z-1a2b3c4',
    previousRelease: '20261121T101500Z-0000000',
    sha,
    slot: 'green',
    port: 9502,
    startedAt: 1_795_000_000_000,
    durationMs: 2345,
    steps: [step('install', 'success', [['notice', '12 packages']], 1200), step('health', 'success', [['notice', 'healthy: 200, 2 passes']], 400, 1200)],
    ...changes,
  };
}

export function failure(changes: Partial<Outcome> = {}): Outcome {
  const steps = [step('install'), step('health', 'failure', [['failure', 'last answer: 502']], 60_000, 400)];
  return outcome({ conclusion: 'failure', switched: false, sentence: 'shop: the new release is not healthy.', steps, problem: healthProblem, ...changes });
}

/** Tells a reporter of one whole step. */
export function playStep(reporter: Reporter, result: StepResult, output = '', problem?: Problem): void {
  reporter.event({ type: 'step-start', step: result.name });
  if (output) reporter.event({ type: 'output', step: result.name, text: output });
  reporter.event({ type: 'step-end', step: result.name, result, problem });
}

/** Catches what is written to standard output, until `restore`. */
export function captureStdout(): { text: () => string; lines: () => string[]; restore: () => void } {
  let written = '';
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written += String(chunk);
    return true;
  });
  return { text: () => written, lines: () => written.split('\n'), restore: () => spy.mockRestore() };
}

/**
 * Reads a job's log as the runner does: which lines it would take for workflow commands.
 * Source: actions/runner, ActionCommandManager: `::` at a line's start, `##[` anywhere, none while stopped.
 */
export function runnerCommands(log: string): string[] {
  const commands: string[] = [];
  let stoppedBy = '';
  for (const line of log.split(/\r\n|\r|\n/)) {
    const text = line.trimStart();
    if (stoppedBy) stoppedBy = text === `::${stoppedBy}::` ? '' : stoppedBy;
    else if (text.startsWith('::stop-commands::')) stoppedBy = text.slice('::stop-commands::'.length);
    else if (text.startsWith('::') || line.includes('##[')) commands.push(text);
  }
  return commands;
}
