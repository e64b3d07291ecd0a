import { assignments, seconds } from '../../host/quote.js';
import { rangesText, whereText, type StepMaker } from './step.js';

/** Starts the release on the idle slot. How it is started is written into the slot first, and used from there. */
export const start: StepMaker = (settings, _facts, target) => {
  if (target.standbyReady) return undefined;
  const { recipe } = target;
  return {
    name: 'start',
    does: `start \`${recipe.start.split('\n').join('; ')}\` on the ${target.slot} slot, ${whereText(target)} (supervisor ${recipe.supervisor})`,
    script: `${assignments({
      BG_SL_SUPERVISOR: recipe.supervisor,
      BG_SL_RELEASE: target.release,
      BG_SL_SHA: target.sha,
      BG_SL_PORT: target.port,
      BG_SL_LISTEN: recipe.listen,
      BG_SL_START: recipe.start,
      BG_SL_STOP: recipe.stop,
      BG_SL_SHELL: recipe.shell,
      BG_SL_PATH: recipe.path,
      BG_SL_PORTS: `${target.port} ${target.oldPort}`,
      BG_SL_PORT_FILES: recipe.portFiles.join('\n'),
      BG_SL_STOP_TIMEOUT: seconds(recipe.stopTimeoutMs),
      BG_SL_DRAIN_TIMEOUT: seconds(recipe.drainTimeoutMs),
      BG_SL_ADDRESS: target.address,
      BG_SL_HEALTH_PATH: recipe.healthPath,
      BG_SL_HEALTH_STATUS: rangesText(recipe.healthStatus),
      BG_SL_HEALTH_HOST: recipe.healthHost,
    })}bg_step_start`,
    limitMs: settings.stepTimeout,
    onFailure: 'stop',
    needs: 'env',
  };
};
