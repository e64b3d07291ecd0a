import { assignments, seconds } from '../../host/quote.js';
import type { Facts } from '../facts.js';
import { releasesToPrune } from '../releases.js';
import type { StepMaker, Target } from './step.js';

/** Is there anything on the old slot that has to be stopped? */
const oldSlotInUse = (facts: Facts, { oldPort, live }: Target): boolean => live !== '' || facts.listeners.has(oldPort);

/** A live app that is dead already has no requests to wait for. */
const oldSlotAnswers = (facts: Facts, { oldPort, oldSlot, live }: Target): boolean => (live !== '' && Boolean(facts.slots[oldSlot]?.alive)) || facts.listeners.has(oldPort);

/** Stops the standby, whose slot the new release needs. What it still answers is waited for. */
export const stopStandby: StepMaker = (settings, facts, target) => {
  const slot = facts.slots[target.slot];
  if (!slot?.standby || !slot.alive || target.standbyReady) return undefined;
  return {
    name: 'stop-standby',
    does: `stop the standby (release ${slot.release}): its slot ${target.slot} is needed`,
    script: 'bg_step_stop_standby',
    limitMs: settings.stepTimeout + settings.drainTimeout,
    onFailure: 'stop',
    needs: '',
  };
};

/** Waits until the requests that the old slot still answers are done. A standby goes on answering them. */
export const drain: StepMaker = (settings, facts, target) =>
  oldSlotAnswers(facts, target) && !target.keepsStandby
    ? {
        name: 'drain',
        does: `wait up to ${seconds(settings.drainTimeout)} s for the requests that ${target.oldListensAt} still answers`,
        script: `${assignments({ BG_DRAIN_TIMEOUT: seconds(settings.drainTimeout) })}bg_step_drain`,
        limitMs: settings.drainTimeout + 60_000,
        onFailure: 'back',
        needs: '',
      }
    : undefined;

/** Stops the old slot, in the way that it was started. */
export const stop: StepMaker = (settings, facts, target) =>
  oldSlotInUse(facts, target) && !target.keepsStandby
    ? {
        name: 'stop',
        does: `stop the ${target.oldSlot} slot (SIGTERM, ${seconds(settings.stopTimeout)} s, SIGKILL)`,
        script: 'bg_step_stop',
        limitMs: settings.stepTimeout,
        onFailure: 'warn',
        needs: '',
      }
    : undefined;

/** Leaves the old slot running as the standby, in place of draining and stopping it. */
export const standby: StepMaker = (settings, _facts, target) =>
  target.keepsStandby
    ? {
        name: 'standby',
        does: `leave the ${target.oldSlot} slot running until the next deploy: a rollback to it is only a switch`,
        script: 'bg_step_standby',
        limitMs: settings.stepTimeout,
        onFailure: 'warn',
        needs: '',
      }
    : undefined;

/** Removes the releases that are neither live, nor were live before, nor among the newest to keep. */
export const prune: StepMaker = (settings, facts, target) => {
  const old = releasesToPrune(facts, [target.release, ...keptInSlots(facts, target.slot)], settings.keepReleases);
  // A rollback to the standby is nothing but a switch.
  if (target.standbyReady && !old.length) return undefined;
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
