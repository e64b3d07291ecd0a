import { assignments, seconds } from '../../host/quote.js';
import type { Facts } from '../facts.js';
import { releasesToPrune } from '../releases.js';
import type { StepMaker } from './step.js';

/** Is there anything on the old slot that could have requests, or that has to be stopped? */
const oldSlotInUse = (facts: Facts, oldPort: number, live: string): boolean => live !== '' || facts.listeners.has(oldPort);

/** Waits until the requests that the old slot still answers are done. */
export const drain: StepMaker = (settings, facts, target) =>
  oldSlotInUse(facts, target.oldPort, target.live)
    ? {
        name: 'drain',
        does: `wait up to ${seconds(settings.drainTimeout)} s for the requests that port ${target.oldPort} still answers`,
        script: `${assignments({ BG_DRAIN_TIMEOUT: seconds(settings.drainTimeout) })}bg_step_drain`,
        limitMs: settings.drainTimeout + 60_000,
        onFailure: 'back',
        needs: '',
      }
    : undefined;

/** Stops the old slot, in the way that it was started. */
export const stop: StepMaker = (settings, facts, target) =>
  oldSlotInUse(facts, target.oldPort, target.live)
    ? {
        name: 'stop',
        does: `stop the ${target.oldSlot} slot (SIGTERM, ${seconds(settings.stopTimeout)} s, SIGKILL)`,
        script: 'bg_step_stop',
        limitMs: settings.stepTimeout,
        onFailure: 'warn',
        needs: '',
      }
    : undefined;

/** Removes the releases that are neither live, nor were live before, nor among the newest to keep. */
export const prune: StepMaker = (settings, facts, target) => {
  const old = releasesToPrune(facts, [target.release, ...keptInSlots(facts, target.slot)], settings.keepReleases);
  return {
    name: 'prune',
    does: old.length ? `remove ${old.join(', ')}` : `nothing to remove (keep-releases ${settings.keepReleases})`,
    script: `${assignments({ BG_PRUNE: old.join(' ') })}bg_step_prune`,
    limitMs: settings.stepTimeout,
    onFailure: 'warn',
    needs: '',
  };
};

/** The release of the old slot is the one to roll back to; what the new slot held before may go. */
function keptInSlots(facts: Facts, newSlot: string): string[] {
  return (['blue', 'green'] as const).flatMap((slot) => (slot !== newSlot && facts.slots[slot] ? [facts.slots[slot].release] : []));
}
