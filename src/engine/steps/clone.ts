import { assignments } from '../../host/quote.js';
import { failedReleases } from '../releases.js';
import type { StepMaker } from './step.js';

/** Fetches the commit and checks it out into a new release, with its submodules and shared paths. */
export const clone: StepMaker = (settings, facts, target) => ({
  name: 'clone',
  does: `fetch ${target.sha.slice(0, 7)} from ${settings.repository} into ${settings.root}/releases/${target.release}`,
  script: `${assignments({ BG_SHARED: settings.shared.join('\n'), BG_INSTALL: settings.install, BG_FAILED: failedReleases(facts).join(' ') })}bg_step_clone`,
  limitMs: settings.stepTimeout,
  onFailure: 'stop',
  needs: 'token',
});
