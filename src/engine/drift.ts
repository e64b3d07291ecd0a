import { DeployError } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import { checkDrift } from './checks.js';
import { otherSlot, type Facts, type Slot } from './facts.js';
import type { NginxFacts } from './nginx-facts.js';
import { portsInForce } from './slots.js';

/** What is not as it should be, and what to do about it. */
export interface Advice {
  what: string;
  next: string;
}

/**
 * Which slot nginx really sends requests to, by what was seen while it was asked: new connections to the slots' ports in three questions,
 * else what its probe locations say, else the port to which its workers keep connections open. Undefined when that does not tell.
 */
export function routedTo({ look }: Facts): Slot | 'both' | undefined {
  const { rounds, pool, probed } = look.nginx;
  // A stranger that looks in by chance is not seen in each of three rounds; a route is.
  const seen = slotsWhere((slot) => rounds[slot] > 0);
  const always = slotsWhere((slot) => rounds[slot] >= 3);
  const asked = seen.length > 1 && always.length ? always : seen;
  return oneOf(asked.length ? [...new Set([...asked, ...probed])] : probed.length ? probed : pool.length === 1 ? pool : []);
}

const slotsWhere = (holds: (slot: Slot) => boolean): Slot[] => (['blue', 'green'] as const).filter(holds);

const oneOf = ([first, second]: Slot[]): Slot | 'both' | undefined => (second ? 'both' : first);

/**
 * In words, who holds a slot's port without being the slot's app; empty when nobody does.
 *
 * @param port as it is in force
 */
export function strangerAt(facts: Facts, slot: Slot, port: number): string {
  const known = facts.slots[slot];
  const { listen, pids, uid } = facts.look.slots[slot];
  const holder = facts.look.ports.get(port);
  if (!holder || listen === 'socket') return '';
  if (known?.alive && known.port === port) {
    // Such an app looks after its own processes: who has the port is taken for it.
    if (known.supervisor === 'command') return '';
    const own = holder.pids.length ? holder.pids.some((pid) => pids.includes(pid)) : !uid || uid === holder.uid;
    if (own) return '';
  }
  return holder.text || `user id ${holder.uid}`;
}

/**
 * Where the host is not as `live` says, the gravest first. A run that is under way explains some of it.
 *
 * @param nginx what the configuration on disk means; undefined when it cannot be read
 */
export function driftOf(settings: Settings, facts: Facts, nginx: NginxFacts | undefined): Advice[] {
  const switching = facts.intent && facts.look.run !== '';
  const found = switching ? [] : [...interrupted(facts), ...fileDrift(settings, facts, nginx), ...routeDrift(facts, nginx)];
  return [...closed(settings, facts), ...liveLink(settings, facts), ...found, ...liveApp(settings, facts), ...bothRun(facts), ...strangers(settings, facts)];
}

function closed({ root }: Settings, { look, user }: Facts): Advice[] {
  return look.closed ? [{ what: `the user ${user} may not look into ${root}`, next: 'Log in as the user who deploys (settings host, user).' }] : [];
}

function liveLink({ root }: Settings, { live, liveLink, look, slots }: Facts): Advice[] {
  const next = `Look at it with: ls -l ${root}/live. Only bluegreen writes it; make it a link to the slot that has the traffic.`;
  if (look.liveOther) return [{ what: `${root}/live is not a link`, next }];
  if (liveLink && !live) return [{ what: `${root}/live leads to ${liveLink}, which is not slots/blue or slots/green`, next }];
  return live && !slots[live]?.release ? [{ what: `${root}/live leads to the slot ${live}, in which nothing was ever started`, next }] : [];
}

function interrupted({ intent, live }: Facts): Advice[] {
  const match = live ? `the live slot, ${live}` : 'what it was before';
  return intent ? [{ what: 'a switch was interrupted', next: `Run a deploy or a rollback: it first makes nginx match ${match}.` }] : [];
}

/** What an interrupted switch left in the file is reconcile's to mend. */
function fileDrift(settings: Settings, facts: Facts, nginx: NginxFacts | undefined): Advice[] {
  if (!nginx || facts.intent) return [];
  try {
    checkDrift(settings, facts, nginx);
  } catch (error) {
    if (error instanceof DeployError) return [{ what: error.problem.what, next: error.problem.next }];
    throw error;
  }
  return [];
}

function routeDrift(facts: Facts, nginx: NginxFacts | undefined): Advice[] {
  const { live, look, slots } = facts;
  const { url, status } = look.nginx;
  const to = routedTo(facts);
  if (!live || !url) return [];
  if (status === undefined) return [{ what: `nginx does not answer: ${url}`, next: 'See whether nginx runs, and read its error log.' }];
  if (!to || to === live) {
    const bad = status >= 500 && slots[live]?.healthy;
    return bad ? [{ what: `nginx answers ${status}, though the live slot, ${live}, is healthy: ${url}`, next: "Read nginx's error log." }] : [];
  }
  const where = to === 'both' ? 'both slots' : `the ${to} slot`;
  const next =
    look.nginx.mode === 'instant'
      ? 'Run command: setup; it says what keeps nginx from following the link.'
      : nginx?.serving === live
        ? 'Its configuration on disk names the live slot, but another one runs: reload nginx. If that changes nothing, look for another way to that port in the configuration.'
        : `Decide which is right. Either let nginx send requests to ${live} again, or make live a link to the slot that nginx uses.`;
  return [{ what: `nginx really sends requests to ${where}, but the live slot is ${live}`, next }];
}

function liveApp({ root }: Settings, { live, slots, look }: Facts): Advice[] {
  const slot = live ? slots[live] : undefined;
  if (!live || !slot?.release || slot.healthy) return [];
  const log = `Look at ${root}/slots/${live}/app.log.`;
  if (slot.alive) {
    const said = look.slots[live].health ? `answers ${look.slots[live].health}` : 'does not answer';
    return [{ what: `the live slot, ${live}, is not healthy: it ${said}`, next: `${log} Then deploy again or roll back.` }];
  }
  const other = otherSlot(live);
  const next = slots[other]?.alive && slots[other].healthy ? `The next deploy or rollback makes ${other} live.` : 'A deploy or a rollback brings the site back.';
  return [{ what: `the live slot, ${live}, does not run`, next: `${log} ${next}` }];
}

/** While a run is under way, two slots running is what a deploy looks like. */
function bothRun({ live, slots, look }: Facts): Advice[] {
  if (look.run) return [];
  return (['blue', 'green'] as const)
    .filter((slot) => slot !== live && slots[slot]?.alive && !slots[slot].standby && (!live || slots[live]?.alive))
    .map((slot) => ({
      what: live ? `both slots run, and ${slot} is not a standby` : `the ${slot} slot runs, but nothing is live`,
      next: 'The next deploy or rollback stops it, once nginx brings nothing to it.',
    }));
}

/** Before the first deploy it is the app that ran until then; afterwards the next deploy needs the port. */
function strangers(settings: Settings, facts: Facts): Advice[] {
  const [blue, green] = portsInForce(facts, settings.ports);
  return Object.entries({ blue, green } satisfies Record<Slot, number>).flatMap(([slot, port]) => {
    const who = facts.live ? strangerAt(facts, slot as Slot, port) : '';
    const what = `port ${port} of the ${slot} slot is held by ${who}, which bluegreen did not start`;
    return who ? [{ what, next: 'Stop that process, or give the app two other ports (setting ports): a deploy needs that port.' }] : [];
  });
}
