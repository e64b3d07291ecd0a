import { DeployError } from '../errors.js';
import type { Facts, Release } from './facts.js';

/** The id of a new release: the host's time and the commit. Never one that is there already. */
export function newReleaseId(facts: Facts, sha: string): string {
  const taken = new Set([...facts.releases.map(({ id }) => id), ...facts.unfinished]);
  let time = parseTime(facts.time);
  for (;;) {
    const id = `${formatTime(time)}-${sha.slice(0, 7)}`;
    if (!taken.has(id)) return id;
    time += 1000;
  }
}

/** The release that is live now; '' if there is none. */
export function liveRelease(facts: Facts): string {
  return facts.live ? (facts.slots[facts.live]?.release ?? '') : '';
}

/**
 * The release to roll back to: the one that was asked for, or the one that was live before the current one.
 *
 * @throws DeployError when it never was live, is live already, or is not complete on the host
 */
export function rollbackTarget(facts: Facts, wanted: string): Release {
  const current = liveRelease(facts);
  const { wereLive } = facts;
  const complete = new Map(facts.releases.map((release) => [release.id, release]));
  const possible = wereLive.filter((id) => id !== current && complete.has(id));
  const list = possible.length ? `Releases that were live and are still on the host: ${possible.join(', ')}.` : 'No other release that was live is on the host.';
  if (wanted) {
    if (wanted === current) throw refusal(`release ${wanted} is live already`, list);
    if (!complete.has(wanted)) throw refusal(`release ${wanted} is not on the host`, `${list} keep-releases sets how many stay.`);
    if (!wereLive.includes(wanted)) throw refusal(`release ${wanted} never was live`, `${list} Deploy its commit instead.`);
  }
  // The order in which they first went live: after a rollback, a second one goes further back, not forth again.
  const before = wereLive.slice(0, wereLive.includes(current) ? wereLive.indexOf(current) : undefined).filter((id) => complete.has(id));
  const found = complete.get(wanted || (before.at(-1) ?? ''));
  if (!found) throw refusal(current ? `there is no release before ${current} to roll back to` : 'nothing is live', list);
  return found;
}

function refusal(what: string, next: string): DeployError {
  return new DeployError({ step: 'survey', what, next, settings: ['release'] });
}

/**
 * Which releases may go. The kept ones stay whatever the number; then the newest that were live fill it up.
 * Those that never were live go first: a failed release never pushes out one to roll back to.
 */
export function releasesToPrune(facts: Facts, kept: string[], keep: number): string[] {
  const stay = new Set(kept.filter(Boolean));
  const live = facts.live ? facts.slots[facts.live]?.release : undefined;
  if (live) stay.add(live);
  if (!knowsWhatWasLive(facts)) return [];
  for (const id of goodReleases(facts).reverse()) if (stay.size < keep && facts.releases.some((release) => release.id === id)) stay.add(id);
  return facts.releases.map(({ id }) => id).filter((id) => !stay.has(id));
}

/** What was live, oldest first. Releases older than all that the ledger knows are among it: it may have been begun anew since. */
function goodReleases({ releases, wereLive }: Facts): string[] {
  const [first = ''] = wereLive;
  const before = releases.map(({ id }) => id).filter((id) => id < first && !wereLive.includes(id));
  return [...before.sort(), ...wereLive];
}

/** Releases that failed: complete, never live, and not what runs. They are of no use to anybody. */
export function failedReleases(facts: Facts): string[] {
  if (!knowsWhatWasLive(facts)) return [];
  const used = new Set([...goodReleases(facts), ...Object.values(facts.slots).filter(({ alive, standby }) => alive || standby).map(({ release }) => release)]);
  return facts.releases.map(({ id }) => id).filter((id) => !used.has(id));
}

/** A ledger that was lost or begun anew does not know the live release: then nobody can tell which of the others were good. */
export function knowsWhatWasLive(facts: Facts): boolean {
  return !facts.live || facts.wereLive.includes(liveRelease(facts));
}

function parseTime(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!parts) throw new DeployError({ step: 'survey', what: `the host tells no time: ${JSON.stringify(text.slice(0, 40))}`, next: 'Look at what `date -u` says on the host.' });
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function formatTime(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}
