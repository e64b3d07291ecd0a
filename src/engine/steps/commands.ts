import { assignments } from '../../host/quote.js';
import type { Settings } from '../../settings/settings.js';
import type { OnFailure, Step, StepMaker } from './step.js';

/** Runs the install command in the new release. */
export const install: StepMaker = (settings) => command(settings, 'install', 'stop', settings.install);

/** Runs before-switch in the new release, which is healthy by then: migrations, warm-ups. */
export const beforeSwitch: StepMaker = (settings) => command(settings, 'before-switch', 'stop', settings.beforeSwitch);

/** Runs after-switch in the new release. The traffic is there already, so it can only warn. */
export const afterSwitch: StepMaker = (settings) => command(settings, 'after-switch', 'warn', settings.afterSwitch);

function command(settings: Settings, name: string, onFailure: OnFailure, text: string): Step | undefined {
  if (!text) return undefined;
  const variable = `BG_${name.toUpperCase().replace('-', '_')}`;
  return {
    name,
    does: `run \`${text.split('\n').join('; ')}\``,
    script: `${assignments({ [variable]: text, BG_SHELL: settings.shell, BG_PATH: settings.path })}bg_step_${name.replace('-', '_')}`,
    limitMs: settings.stepTimeout,
    onFailure,
    needs: 'env',
  };
}
