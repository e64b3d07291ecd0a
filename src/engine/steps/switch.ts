import { assignments, seconds } from '../../host/quote.js';
import type { NginxFacts } from '../nginx-facts.js';
import { bakeLogs } from './bake.js';
import { rangesText, whereText, type Step, type StepMaker } from './step.js';

/** Asks the running nginx whether it follows `live`, before anything is done: what is on disk may not be what runs. */
export function probe(nginx: NginxFacts): StepMaker {
  return (settings) =>
    nginx.follows
      ? {
          name: 'probe',
          does: `ask the running nginx whether it follows ${settings.root}/live: if so the switch is instant, else a reload`,
          script: `${assignments({ BG_MUST_FOLLOW: settings.switch === 'instant' ? 'yes' : '' })}bg_step_probe`,
          limitMs: settings.switchTimeout + 60_000,
          onFailure: 'stop',
          needs: '',
        }
      : undefined;
}

/** Gives the traffic to the new slot. */
export function switchTraffic(nginx: NginxFacts): StepMaker {
  return (settings, _facts, target): Step => ({
    name: 'switch',
    does: nginx.follows
      ? `live -> slots/${target.slot}${nginx.mode === 'reload' ? ', then nginx -t and reload' : ': nginx follows by itself'}`
      : `nginx: port ${target.port} serves the upstream ${settings.nginxUpstream} (nginx -t, live -> slots/${target.slot}, reload)`,
    script: `${bakeLogs(settings, target)}bg_step_switch`,
    limitMs: settings.lockTimeout + 4 * settings.switchTimeout + 60_000,
    onFailure: 'back',
    needs: '',
  });
}

/** Asks through nginx as a visitor would, and proves by the connections that the new slot answers. */
export const verify: StepMaker = (settings, _facts, target) => ({
  name: 'verify',
  does: `ask through nginx for up to ${seconds(settings.switchTimeout)} s until ${whereText(target)} answers, and ${target.oldListensAt} does not`,
  script: `${assignments({
    BG_SL_HEALTH_STATUS: rangesText(target.recipe.healthStatus),
    BG_HEALTH_WANTED: rangesText(target.recipe.healthStatus),
  })}bg_step_verify`,
  limitMs: settings.switchTimeout + 30_000,
  onFailure: 'back',
  needs: '',
});
