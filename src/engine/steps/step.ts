import type { AccessLogs } from '../../nginx/access-log.js';
import type { Facts, Slot } from '../facts.js';
import type { Settings } from '../../settings/settings.js';

/** What happens when a step fails: the run stops, the traffic is switched back, the run fails and the traffic stays where it is, or it only warns. */
export type OnFailure = 'stop' | 'back' | 'stay' | 'warn';

/** One step of a plan: data, so that a dry run is the same code. */
export interface Step {
  name: string;
  /** What it does, for people. */
  does: string;
  /** POSIX sh, run by the agent in a session of its own; secrets only as names of variables. */
  script: string;
  limitMs: number;
  onFailure: OnFailure;
  /** Which secrets its script gets as variables. */
  needs: 'token' | 'env' | '';
}

/** How a release is started, asked and stopped. It stays with the release, so that a rollback starts it in the same way. */
export interface Recipe {
  supervisor: 'process' | 'command';
  listen: 'port' | 'socket';
  start: string;
  stop: string;
  shell: string;
  path: string;
  portFiles: readonly string[];
  stopTimeoutMs: number;
  drainTimeoutMs: number;
  healthPath: string;
  healthStatus: readonly { from: number; to: number }[];
  healthHost: string;
  healthTimeoutMs: number;
  healthPasses: number;
}

/** What a deploy or a rollback is about, worked out before its steps are. */
export interface Target {
  release: string;
  sha: string;
  /** The idle slot, which becomes live. */
  slot: Slot;
  port: number;
  /** The live slot; '' before the first deploy. */
  live: Slot | '';
  oldSlot: Slot;
  oldPort: number;
  /** How nginx writes the address of the idle slot. */
  address: string;
  /** Where the release of each of the two slots listens: a port, or the path of a Unix socket. */
  listensAt: string;
  oldListensAt: string;
  /** The release runs already, as the standby in its slot, and is healthy. */
  standbyReady: boolean;
  /** The old slot stays as the standby. */
  keepsStandby: boolean;
  recipe: Recipe;
  /** Where nginx writes down what the app's visitors got. */
  logs: AccessLogs;
}

export type StepMaker = (settings: Settings, facts: Facts, target: Target) => Step | undefined;

/** Status ranges as the agent takes and as people read them: `200-299 401-401`. */
export function rangesText(ranges: readonly { from: number; to: number }[]): string {
  return ranges.map(({ from, to }) => `${from}-${to}`).join(' ');
}

/** Where the release listens, for people: `port 9501`, or `socket /srv/shop/slots/blue/app.sock`. */
export function whereText({ recipe, listensAt }: Pick<Target, 'recipe' | 'listensAt'>): string {
  return `${recipe.listen} ${listensAt}`;
}
