import { DeployError } from '../errors.js';
import type { UpstreamOptions } from './address.js';

/** Something about the configuration with which an instant switch would go wrong. */
export interface Trap {
  file: string;
  line: number;
  /** What is there, and what comes of it. */
  what: string;
  mend: string;
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
    next: traps.map(({ file, line, mend }) => `${file}:${line}: ${mend}`).join('\n'),
    settings: ['switch', 'listen'],
  });
}

export interface InstantOptions extends UpstreamOptions {
  /** The app's folder, with the link `live` in it. */
  root: string;
  /** Whether the host has curl: without it only plain http can be asked. */
  curl: boolean;
}
