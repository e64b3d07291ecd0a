import { assignments, seconds } from '../../host/quote.js';
import { rangesText, type StepMaker } from './step.js';

/** What a check that is under way at the end may still take, and some air. */
const AIR_MS = 15_000;

/** Asks the idle slot's port on the host itself until it was healthy several times in a row. */
export const health: StepMaker = (_settings, _facts, target) => {
  if (target.standbyReady) return undefined;
  const { recipe } = target;
  const wanted = rangesText(recipe.healthStatus);
  return {
    name: 'health',
    does: `ask ${recipe.listen === 'socket' ? target.listensAt : `http://${target.address}:${target.port}`}${recipe.healthPath} for up to ${seconds(recipe.healthTimeoutMs)} s until it answers ${wanted} ${recipe.healthPasses} times in a row`,
    script: `${assignments({
      BG_HEALTH_TIMEOUT: seconds(recipe.healthTimeoutMs),
      BG_HEALTH_PASSES: recipe.healthPasses,
      BG_HEALTH_WANTED: wanted,
    })}bg_step_health`,
    limitMs: recipe.healthTimeoutMs + AIR_MS,
    onFailure: 'stop',
    needs: '',
  };
};
