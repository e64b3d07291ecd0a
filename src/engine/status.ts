import type { Problem } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import { driftOf, routedTo, strangerAt, type Advice } from './drift.js';
import type { Facts, LedgerLine, Slot } from './facts.js';
import { reconcileWould } from './look.js';
import type { NginxFacts } from './nginx-facts.js';
import { portsInForce } from './slots.js';

/**
 * The host as it is: what `command: status` gives as JSON. The shape is described in docs/status.md; within a version, fields are only added.
 * What is not known is null; times are ISO 8601 in UTC.
 */
export interface Status {
  version: 1;
  app: string;
  host: string;
  root: string;
  /** Who looked. */
  user: string;
  /** The host's clock. */
  time: string | null;
  live: Slot | null;
  standby: Slot | null;
  /** The run that is under way, in its own words. */
  run: string | null;
  slots: Record<Slot, SlotStatus>;
  nginx: NginxStatus;
  drift: Advice[];
  /** What the next deploy or rollback would mend first. */
  reconcile: string[];
  /** The last ten, oldest first. */
  ledger: LedgerStatus[];
}

export interface SlotStatus {
  /** Null when nothing was ever started there. */
  release: string | null;
  commit: { sha: string; author: string | null; subject: string | null; time: string | null } | null;
  listen: 'port' | 'socket';
  port: number;
  socket: string | null;
  supervisor: string | null;
  running: boolean;
  /** Null when it does not run. */
  healthy: boolean | null;
  /** What the health check was answered; null for no answer. */
  healthStatus: number | null;
  runningSince: string | null;
  /** Since when it is live, by the ledger; null for the slot that is not. */
  liveSince: string | null;
  memoryBytes: number | null;
  processes: number | null;
  /** Who listens on its port without being its app. */
  portHeldBy: string | null;
}

export interface NginxStatus {
  mode: 'instant' | 'reload' | null;
  /** What nginx did when it was asked. */
  routesTo: Slot | 'both' | null;
  status: number | null;
  url: string | null;
  /** What its configuration on disk says. */
  configured: Slot | 'both' | 'none' | null;
  /** Why a deploy would refuse the configuration, or why it cannot be read. */
  problem: (Advice & { details: string }) | null;
}

export interface LedgerStatus {
  ended: string | null;
  command: string;
  release: string;
  sha: string;
  outcome: string;
  /** The release that was live then. */
  liveRelease: string;
  actor: string;
  /** The times of its steps together. */
  seconds: number | null;
  url: string;
}

/** The longest author and subject, in characters. */
const LONGEST = { author: 100, subject: 500 };

/**
 * What there is to tell of a host: a pure function of settings and facts.
 *
 * @param nginx what nginx's configuration means, or why that is not known
 */
export function statusOf(settings: Settings, facts: Facts, nginx: NginxFacts | Problem): Status {
  const config = 'edit' in nginx ? nginx : undefined;
  const [blue, green] = portsInForce(facts, settings.ports);
  const standby = (['blue', 'green'] as const).find((slot) => facts.slots[slot]?.standby);
  return {
    version: 1,
    app: settings.app,
    host: settings.host.host,
    root: settings.root,
    user: facts.user,
    time: hostTime(facts),
    live: facts.live || null,
    standby: standby ?? null,
    run: facts.look.run || null,
    slots: { blue: slotStatus(settings, facts, 'blue', blue), green: slotStatus(settings, facts, 'green', green) },
    nginx: nginxStatus(facts, nginx),
    drift: driftOf(settings, facts, config),
    reconcile: reconcileWould(facts),
    ledger: facts.ledger.slice(-10).map(ledgerStatus),
  };
}

/** The status as JSON, on one line. */
export const statusJson = (status: Status): string => JSON.stringify(status);

/** What is live, and what is not well, in half a sentence. */
export function statusSentence(status: Status): string {
  const live = status.live && status.slots[status.live].release;
  const faults = [...status.drift, ...(status.nginx.problem ? [status.nginx.problem] : [])].map(({ what }) => what);
  const [first, ...more] = faults;
  const rest = more.length ? ` (and ${more.length} more)` : '';
  return `${live ? `release ${live} is live on ${status.live}` : 'nothing is live'}${first ? `; ${first}${rest}` : ''}`;
}

function slotStatus(settings: Settings, facts: Facts, slot: Slot, port: number): SlotStatus {
  const known = facts.slots[slot];
  const look = facts.look.slots[slot];
  const now = Date.parse(hostTime(facts) ?? '');
  const alive = known?.alive ?? false;
  return {
    release: known?.release || null,
    commit: known?.sha ? { sha: known.sha, ...commitText(look.commit) } : null,
    listen: look.listen,
    port: known?.port || port,
    socket: look.listen === 'socket' ? `${settings.root}/slots/${slot}/app.sock` : null,
    supervisor: known?.supervisor || null,
    running: alive,
    healthy: known && alive ? known.healthy : null,
    healthStatus: look.health ?? null,
    runningSince: alive && look.seconds !== undefined ? isoTime(now - look.seconds * 1000) : null,
    liveSince: slot === facts.live ? liveSince(facts) : null,
    memoryBytes: alive && look.memoryKiB ? look.memoryKiB * 1024 : null,
    processes: alive && look.pids.length ? look.pids.length : null,
    portHeldBy: strangerAt(facts, slot, known?.port || port) || null,
  };
}

function commitText(commit: Facts['look']['slots'][Slot]['commit']) {
  return {
    author: commit ? cut(commit.author, LONGEST.author) : null,
    subject: commit ? cut(commit.subject, LONGEST.subject) : null,
    time: commit?.seconds === undefined ? null : isoTime(commit.seconds * 1000),
  };
}

function nginxStatus(facts: Facts, nginx: NginxFacts | Problem): NginxStatus {
  const { mode, status, url } = facts.look.nginx;
  const problem = 'edit' in nginx ? undefined : nginx;
  return {
    mode: mode ?? null,
    routesTo: routedTo(facts) ?? null,
    status: status ?? null,
    url: url || null,
    configured: 'edit' in nginx ? nginx.serving : null,
    problem: problem ? { what: problem.what, next: problem.next, details: problem.details } : null,
  };
}

function ledgerStatus(line: LedgerLine): LedgerStatus {
  const { command, release, sha, outcome, liveRelease, actor, url, ms } = line;
  return { ended: isoTime(parsedTime(line.ended)), command, release, sha, outcome, liveRelease, actor, seconds: ms === undefined ? null : Math.round(ms / 10) / 100, url };
}

/** Since when the release that is live has been so without a break: the end of the first run of the ledger after which it was. */
function liveSince(facts: Facts): string | null {
  const release = facts.live && facts.slots[facts.live]?.release;
  let first: LedgerLine | undefined;
  for (const line of [...facts.ledger].reverse()) {
    if (!release || line.liveRelease !== release) break;
    first = line;
  }
  return first ? isoTime(parsedTime(first.ended)) : null;
}

/** The host's `20261122T101500Z` as ISO 8601. */
function hostTime({ time }: Facts): string | null {
  return isoTime(parsedTime(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')));
}

/** Date.parse takes nearly anything for a date. */
const parsedTime = (text: string): number => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? Date.parse(text) : NaN);

/** @param ms Unix time in milliseconds; what is none, or not of this era, gives null */
function isoTime(ms: number): string | null {
  return Math.abs(ms) < 253_402_300_800_000 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : null;
}

function cut(text: string, characters: number): string {
  const all = [...text];
  return all.length <= characters ? text : `${all.slice(0, characters - 1).join('')}…`;
}
