import type { Serving } from '../nginx/upstream.js';
import { otherSlot, type Facts, type Slot } from './facts.js';

/**
 * The idle slot, which the new release gets, with its port and the other one's.
 *
 * @param ports as they are in force
 */
export function slotsToUse(facts: Facts, ports: readonly [number, number], serving: Serving): { slot: Slot; port: number; oldPort: number } {
  const portOf = { blue: ports[0], green: ports[1] };
  if (facts.live) {
    const slot = otherSlot(facts.live);
    const [port, oldPort] = [portOf[slot], portOf[facts.live]];
    return { slot, port, oldPort };
  }
  // A first deploy takes the slot that gets no traffic yet, so that nothing is live before it is healthy.
  let slot: Slot = serving === 'blue' ? 'green' : 'blue';
  if (serving !== otherSlot(slot) && facts.listeners.has(portOf[slot]) && !facts.listeners.has(portOf[otherSlot(slot)])) slot = otherSlot(slot);
  return { slot, port: portOf[slot], oldPort: portOf[otherSlot(slot)] };
}

/** A rollback to the standby leads to where that listens, whatever the settings of the rollback say. */
export function portsOfStandby(facts: Facts, release: string, inForce: [number, number]): [number, number] {
  const slot = facts.live && otherSlot(facts.live);
  const there = slot && facts.slots[slot];
  if (!there || !there.standby || !there.alive || there.release !== release || !there.port) return inForce;
  return slot === 'blue' ? [there.port, inForce[1]] : [inForce[0], there.port];
}

/** The ports as the host has them: the live slot keeps its own, whatever the settings say today; the other one gets the other. */
export function portsInForce(facts: Facts, ports: readonly [number, number]): [number, number] {
  const live = facts.live && facts.slots[facts.live]?.port;
  if (!facts.live || !live) return [ports[0], ports[1]];
  const wanted = facts.live === 'blue' ? ports[1] : ports[0];
  const other = wanted !== live ? wanted : facts.live === 'blue' ? ports[0] : ports[1];
  return facts.live === 'blue' ? [live, other] : [other, live];
}
