import { assignments, seconds } from '../../host/quote.js';
import { rangesText, type StepMaker } from './step.js';

/** Gives the traffic to the new slot: the upstream's server lines, `live`, a reload that was seen to happen. */
export const switchTraffic: StepMaker = (settings, _facts, target) => ({
  name: 'switch',
  does: `nginx: port ${target.port} serves the upstream ${settings.nginxUpstream} (nginx -t, live -> slots/${target.slot}, reload)`,
  script: 'bg_step_switch',
  limitMs: settings.lockTimeout + 4 * settings.switchTimeout + 60_000,
  onFailure: 'back',
  needs: '',
});

/** Asks through nginx as a visitor would, and proves by the connections that the new slot answers. */
export const verify: StepMaker = (settings, _facts, target) => ({
  name: 'verify',
  does: `ask through nginx for up to ${seconds(settings.switchTimeout)} s until port ${target.port} answers, and port ${target.oldPort} does not`,
  script: `${assignments({
    BG_SL_HEALTH_STATUS: rangesText(target.recipe.healthStatus),
    BG_HEALTH_WANTED: rangesText(target.recipe.healthStatus),
  })}bg_step_verify`,
  limitMs: settings.switchTimeout + 30_000,
  onFailure: 'back',
  needs: '',
});
