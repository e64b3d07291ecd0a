import { DeployError } from '../errors.js';
import type { UpstreamOptions } from './address.js';

/** Something about the configuration with which an instant switch would go wrong. */
export interface Trap {
  file: string;
  line: number;
  /** What is there, and what comes of it. */
  what: string;
  mend: string;
  /** The setting that makes it go away, if there is one of its own. */
  setting?: string;
}

/** Where a trap is, from the directive that is one. */
export const at = ({ file, line }: { file: string; line: number }): { file: string; line: number } => ({ file, line });

/** `file:line: what`, and how to mend it, for a warning. */
export const trapText = ({ file, line, what, mend }: Trap): string => `${file}:${line}: ${what}. ${mend}`;

/** The error for a configuration with which an instant switch would go wrong. */
export function trapsError(traps: Trap[]): DeployError {
  return new DeployError({
    step: 'survey',
    what: `an instant switch would go wrong with nginx's configuration as it is: ${traps.map(({ file, line, what }) => `${file}:${line}: ${what}`).join('; ')}`,
    next: mends(traps),
    settings: [...new Set([...traps.flatMap(({ setting }) => setting ?? []), 'switch', 'listen'])],
  });
}

/** One line for each thing to do, with all the places that want it. */
function mends(traps: Trap[]): string {
  const places = new Map<string, string[]>();
  for (const { file, line, mend } of traps) places.set(mend, [...(places.get(mend) ?? []), `${file}:${line}`]);
  return [...places].map(([mend, at]) => `${at.join(', ')}: ${mend}`).join('\n');
}

export interface InstantOptions extends UpstreamOptions {
  /** The app's folder, with the link `live` in it. */
  root: string;
  /** Whether the host has curl: without it only plain http can be asked. */
  curl: boolean;
}
