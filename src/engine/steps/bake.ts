import { assignments, quote, seconds } from '../../host/quote.js';
import type { AccessLog } from '../../nginx/access-log.js';
import type { Settings } from '../../settings/settings.js';
import { rangesText, type StepMaker, type Target } from './step.js';

/** What asks that are under way at the end may still take, and reading the logs. */
const AIR_MS = 60_000;

/** Keeps asking through nginx after the switch and counts what visitors got; the old slot still runs, and gets the traffic back if that goes badly. */
export const bake: StepMaker = (settings, facts, target) => {
  if (settings.bake === 0) return undefined;
  const paths = target.logs.counted.map(({ path }) => path);
  const count = paths.length ? `, and count the 5xx answers in ${paths.join(', ')} where it is readable (at most ${settings.bakeErrors} %)` : '';
  const not = target.logs.uncounted.map((why) => `; not counted: ${why}`).join('');
  // Without anything on the other port a switch back would take away what there is.
  const stays = !target.live && !facts.listeners.has(target.oldPort);
  return {
    name: 'bake',
    does: `ask through nginx once a second for ${seconds(settings.bake)} s${count}${not}; ${stays ? 'there is nothing to switch back to' : 'switch back if that goes badly'}`,
    script: `${bakeLogs(settings, target)}${assignments({
      BG_BAKE_MS: settings.bake,
      BG_BAKE_LIMIT: Math.round(settings.bakeErrors * 1000),
      BG_BAKE_UNCOUNTED: not,
      BG_BAKE_STAYS: stays ? 'yes' : '',
      BG_HEALTH_WANTED: rangesText(target.recipe.healthStatus),
    })}bg_step_bake`,
    limitMs: settings.bake + AIR_MS,
    onFailure: stays ? 'stay' : 'back',
    needs: '',
  };
};

/** The logs to count in, for the step itself and for the switch, which writes down where they end; nothing without a bake. */
export function bakeLogs(settings: Settings, target: Target): string {
  return settings.bake === 0 ? '' : assignments({ BG_BAKE_LOGS: target.logs.counted.map(logLine).join('') });
}

function logLine({ path, status, shared }: AccessLog): string {
  const { escape, field, fields, side, beside } = status;
  return `bg_bake_log ${quote(path)} ${escape} ${field} ${fields} ${side} ${quote(beside)} ${quote(shared ? 'yes' : '')}\n`;
}
