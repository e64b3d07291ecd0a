import * as core from '@actions/core';
import { connectTo, runInfo, runOf } from './action.js';
import { secretLines, settingsFromInputs } from './inputs.js';
import { askOutcome } from './engine/ask-outcome.js';
import type { LedgerLine } from './engine/facts.js';
import type { Outcome } from './events.js';
import { correctCheckRun, correctDeployment } from './report/correct.js';
import { inert, oneLine } from './report/clean.js';
import type { Settings } from './settings/settings.js';

/**
 * After the job's other steps: when the runner ended the main step before the host had decided, reads in the ledger what
 * became of the run, and corrects the check run and the deployment to that.
 */
export async function postRun(): Promise<void> {
  if (core.getState('reported')) return;
  const [checkRun, deployment] = [Number(core.getState('check-run')), Number(core.getState('deployment'))];
  const { settings, key } = settingsFromInputs(process.env);
  for (const secret of secretLines(settings)) core.setSecret(secret);
  // It leaves no line in the ledger, and changes nothing that is live.
  if (settings.command === 'setup') return core.info(`${settings.app}: setup was cancelled; what was begun is finished by the host itself. Run it again to see how nginx is.`);
  const run = { ...runOf(process.env), key: core.getState('run') };
  const info = runInfo(settings, run);
  const fate = await askOutcome(settings, { connect: () => connectTo(settings, key, { leastMs: REACH_MS }), run });
  const outcome = fate.held || !fate.told ? undecided(settings) : outcomeOf(settings, fate.line);
  // The host's ledger is not ours: it must not begin a workflow command.
  core.info(inert(oneLine(outcome.sentence)));
  const failed = [
    checkRun ? await correctCheckRun(info, checkRun, outcome) : '',
    deployment ? await correctDeployment(info, deployment, outcome) : '',
  ].filter(Boolean);
  for (const text of failed) core.warning(text);
}

/** How long a host is tried to be reached, in milliseconds: the job's line to it may be what was lost. */
const REACH_MS = 30_000;

/** The host is still at work, or did not tell. */
function undecided(settings: Settings): Outcome {
  const outcome = outcomeOf(settings, undefined);
  return { ...outcome, conclusion: 'failure', sentence: `${settings.app}: the host had not decided yet; it finishes by itself what was switched. command: status shows it.` };
}

/** The outcome as the ledger tells it; without a line of this run the host changed nothing. */
function outcomeOf(settings: Settings, line: LedgerLine | undefined): Outcome {
  const startedAt = Number(core.getState('started')) || Date.now();
  const switched = Boolean(line && line.release && line.release === line.liveRelease);
  return {
    conclusion: switched ? 'success' : line && line.outcome !== 'aborted' ? 'failure' : 'cancelled',
    sentence: !line
      ? `${settings.app}: cancelled before anything was changed.`
      : switched
        ? `${settings.app}: release ${line.release} is live; the host finished after the job had ended.`
        : `${settings.app}: ${line.outcome}; ${line.liveRelease ? `release ${line.liveRelease} is live, as before` : 'nothing is live'}.`,
    switched,
    decided: true,
    release: line?.release ?? '',
    previousRelease: '',
    sha: line?.sha ?? '',
    slot: '',
    port: 0,
    startedAt,
    durationMs: Date.now() - startedAt,
    steps: [],
  };
}
