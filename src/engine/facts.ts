import { gunzipSync } from 'node:zlib';
import { DeployError } from '../errors.js';
import { readLook, type Look } from './status-facts.js';

export type Slot = 'blue' | 'green';

export const otherSlot = (slot: Slot): Slot => (slot === 'blue' ? 'green' : 'blue');

/** A complete release on the host, as its `.release.json` tells. */
export interface Release {
  id: string;
  sha: string;
  ref: string;
  /** How it was started; checked where it is used. */
  recipe: unknown;
}

/** A line of the ledger, as far as plans need it. */
export interface LedgerLine {
  run: string;
  command: string;
  release: string;
  sha: string;
  outcome: string;
  /** The release that was live when the run had ended. */
  liveRelease: string;
  ended: string;
  actor: string;
  url: string;
  /** How long its steps took together, in milliseconds; undefined when it does not tell. */
  ms: number | undefined;
}

/** What is known of a slot: what was started there last, and whether it runs. */
export interface SlotFacts {
  release: string;
  sha: string;
  port: number;
  listen: 'port' | 'socket';
  supervisor: string;
  alive: boolean;
  healthy: boolean;
  /** Left running after a switch, for a rollback; it may have died since. */
  standby: boolean;
}

/** A configuration file of nginx that may hold the upstream. */
export interface NginxFile {
  path: string;
  realPath: string;
  writable: boolean;
  /** Checksum of all but its `server …;` lines. */
  sum: string;
}

/** All that one look at the host found. */
export interface Facts {
  user: string;
  root: boolean;
  /** The host's UTC time, `20261122T101500Z`. */
  time: string;
  addresses: string[];
  tools: Set<string>;
  /** Free space for the root, in KiB; undefined when the host does not tell. */
  freeKiB: number | undefined;
  /** Undefined also for file systems that have no such limit. */
  freeInodes: number | undefined;
  rootState: 'missing' | 'writable' | 'readable';
  /** The target of `live`; '' if there is none. */
  live: Slot | '';
  liveLink: string;
  /** A switch was begun and not ended. */
  intent: boolean;
  slots: Partial<Record<Slot, SlotFacts>>;
  /** The slots' ports on which somebody listens. */
  listeners: Set<number>;
  releases: Release[];
  unfinished: string[];
  /** The last lines. */
  ledger: LedgerLine[];
  /** The releases that were live, by the whole ledger, oldest first, each once: where it was live first. */
  wereLive: string[];
  /** What the newest release that was deployed takes on the disk; undefined when it was not measured yet. */
  releaseSize: { kib: number; inodes: number } | undefined;
  /** The commit that the ref leads to; '' when it was not found. */
  commit: string;
  /** That commit is an ancestor of the live one, or the same. */
  ancestor: boolean;
  /** What only `command: status` asks for. */
  look: Look;
  nginx: {
    command: string;
    status: number;
    said: string;
    dump: string;
    version: string;
    /** The version (`1.22.1`) at the last switch; '' before the first. */
    versionBefore: string;
    /** Some nginx master process runs on the host. */
    running: boolean;
    files: NginxFile[];
  };
}

/** No host has more to tell than this: characters of all facts, and of one but nginx's configuration; how many there are. */
const LARGEST = { all: 32 * 1024 * 1024, one: 4 * 1024 * 1024, count: 50_000 };

/**
 * Reads what the agent's survey sent.
 *
 * @param data the facts as they came: base64 of gzip of `name =text` lines, and of `name +`, lines, the session's mark
 * @throws DeployError when no agent would have sent them
 */
export function readFacts(data: string, mark: string): Facts {
  const all = factsByName(unpacked(data), mark);
  const one = (name: string): string => all.get(name)?.[0] ?? '';
  const many = (name: string): string[] => all.get(name) ?? [];
  const liveLink = one('live');
  return {
    user: one('user'),
    root: one('uid') === '0',
    time: one('time'),
    addresses: one('addresses').split(/\s+/).filter(Boolean),
    tools: new Set(one('tools').split(' ').filter(Boolean)),
    ...freeSpace(one('disk')),
    rootState: (one('root') || 'missing') as Facts['rootState'],
    live: liveLink === 'slots/blue' ? 'blue' : liveLink === 'slots/green' ? 'green' : '',
    liveLink,
    intent: one('intent') === 'yes',
    slots: Object.fromEntries((['blue', 'green'] as const).flatMap((slot) => (all.has(`slot.${slot}.release`) ? [[slot, slotFacts(slot, one, liveLink)]] : []))),
    listeners: new Set([...all.keys()].flatMap((name) => (name.startsWith('listener.') ? [Number(name.slice(9))] : []))),
    releases: many('release').flatMap(parsedRelease),
    unfinished: many('unfinished'),
    ledger: one('ledger').split('\n').flatMap(parsedLine),
    wereLive: one('waslive').split('\n').filter(isReleaseId),
    releaseSize: sizeOf(one('size')),
    commit: /^[0-9a-f]{40}$/.exec(one('commit').trim())?.[0] ?? '',
    ancestor: one('ancestor') === 'yes',
    look: readLook(all),
    nginx: {
      command: one('nginx.command'),
      status: Number(one('nginx.status') || 1),
      said: one('nginx.said'),
      dump: one('nginx.dump'),
      version: one('nginx.version'),
      versionBefore: one('nginx.before'),
      running: one('nginx.running') === 'yes',
      files: one('nginx.files').split('\n').filter(Boolean).map((line) => {
        const [path = '', realPath = '', write = '', sum = ''] = line.split('\t');
        return { path, realPath, writable: write === 'yes', sum };
      }),
    },
  };
}

function slotFacts(slot: Slot, one: (name: string) => string, liveLink: string): SlotFacts {
  return {
    release: one(`slot.${slot}.release`),
    sha: one(`slot.${slot}.sha`),
    port: Number(one(`slot.${slot}.port`)),
    listen: one(`slot.${slot}.listen`) === 'socket' ? 'socket' : 'port',
    supervisor: one(`slot.${slot}.supervisor`),
    alive: one(`slot.${slot}.alive`) === 'yes',
    healthy: one(`slot.${slot}.healthy`) !== '',
    standby: one(`slot.${slot}.standby`) === 'yes' && liveLink !== `slots/${slot}`,
  };
}

/** What was packed small may be huge. */
function unpacked(data: string): string {
  try {
    return gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: LARGEST.all }).toString('utf8');
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
}

function factsByName(text: string, mark: string): Map<string, string[]> {
  const all = new Map<string, string[]>();
  let count = 0;
  const add = (name: string, value: string): void => {
    const values = all.get(name);
    if (++count > LARGEST.count || (value.length > LARGEST.one && name !== 'nginx.dump')) throw unreadable('there are too many of them');
    if (values) values.push(value);
    else all.set(name, [value]);
  };
  // Line by line, not split: there may be millions.
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\n', at);
    const end = next < 0 ? text.length : next;
    const [, name = '', how, value = ''] = /^(\S{1,100}) ([=+])(.*)$/s.exec(text.slice(at, end)) ?? [];
    at = end + 1;
    if (how === '=') add(name, value);
    if (how !== '+') continue;
    const close = endOfValue(text, end, mark);
    if (close < 0) break;
    add(name, text.slice(at, close));
    at = close + mark.length + 2;
  }
  return all;
}

/** Where the newline before the line stands that is the mark alone; -1 without one. */
function endOfValue(text: string, from: number, mark: string): number {
  const close = text.indexOf(`\n${mark}\n`, from);
  if (close >= 0 || !text.endsWith(`\n${mark}`)) return close;
  return text.length - mark.length - 1 >= from ? text.length - mark.length - 1 : -1;
}

function unreadable(why: string): DeployError {
  return new DeployError({
    step: 'survey',
    what: 'what the host tells of itself cannot be read',
    next: 'Something stands between the agent and here, or answers in its place: look at the login shell of the user, and at ForceCommand and command= on the host.',
    settings: ['user'],
    details: why,
  });
}

/** @param text free blocks, the size of a block in bytes, free inodes */
function freeSpace(text: string): Pick<Facts, 'freeKiB' | 'freeInodes'> {
  const [blocks, size, inodes] = text.split(' ').map(Number);
  if (blocks === undefined || !size) return { freeKiB: undefined, freeInodes: undefined };
  return { freeKiB: Math.floor((blocks * size) / 1024), freeInodes: inodes || undefined };
}

/** @param text KiB, inodes */
function sizeOf(text: string): Facts['releaseSize'] {
  const [, kib, inodes] = /^(\d{1,15}) (\d{1,15})$/.exec(text) ?? [];
  return kib && inodes ? { kib: Number(kib), inodes: Number(inodes) } : undefined;
}

/** A broken line tells nothing, and harms nothing. */
export function parsedLine(line: string): LedgerLine[] {
  const found = parsedObject(line);
  if (!found) return [];
  const text = (name: string): string => (typeof found[name] === 'string' ? found[name] : '');
  return [
    {
      run: text('run'),
      command: text('command'),
      release: text('release'),
      sha: text('sha'),
      outcome: text('outcome'),
      liveRelease: text('liveRelease'),
      ended: text('ended'),
      actor: text('actor'),
      url: text('url'),
      ms: stepsTime(found.steps),
    },
  ];
}

function stepsTime(steps: unknown): number | undefined {
  const times = Array.isArray(steps) ? steps.map((step: { ms?: unknown } | null) => step?.ms) : [];
  return times.length && times.every((ms) => typeof ms === 'number') ? times.reduce((sum, ms) => sum + ms, 0) : undefined;
}

function parsedRelease(text: string): Release[] {
  const found = parsedObject(text);
  if (!found || typeof found.id !== 'string' || typeof found.sha !== 'string') return [];
  return isReleaseId(found.id) && /^[0-9a-f]{40}$/.test(found.sha) ? [{ id: found.id, sha: found.sha, ref: typeof found.ref === 'string' ? found.ref : '', recipe: found.recipe }] : [];
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function isReleaseId(text: string): boolean {
  return /^\d{8}T\d{6}Z-[0-9a-f]{7,40}$/.test(text);
}
