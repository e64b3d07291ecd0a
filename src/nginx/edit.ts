import { DeployError } from '../errors.js';
import type { UpstreamOptions } from './address.js';
import { place, type NginxConfig } from './config.js';
import { findRegion } from './region.js';
import { applyChanges, changesFor } from './server-lines.js';
import { directiveText, findUpstream, serverLines, servingOf, slotLines, type ServerLine, type Serving, type Slot } from './upstream.js';

/** All that is needed to give the traffic to a slot by changing the server lines of the app's upstream. */
export interface UpstreamEdit {
  /** The file to change, as nginx names it (not resolved). */
  file: string;
  /** The line of the `upstream`, or of the first of its server lines when they stand in a file of their own. */
  line: number;
  /** Which slots' lines serve by the configuration that was read. */
  serving: Serving;
  /** The run of whole lines to replace, without its final line feed. It is in the file exactly once. */
  region: string;
  /** The region with blue live. */
  blue: string;
  /** The region with green live. */
  green: string;
  /** How nginx writes each slot's address (`127.0.0.1`, `[::1]`, `localhost`). */
  address: Record<Slot, string>;
  /** Server lines of the block that are no slot's, for a notice: other machines, sockets, other ports. They stay. */
  others: string[];
}

/** In bytes. The three variants travel in one environment variable of the host's steps, of which the kernel takes 128 KiB. */
const LARGEST_REGION = 20_000;

/**
 * Works out the change of the app's upstream for either slot, without changing anything.
 * @throws DeployError when the upstream is missing, twice there, has no slot's port, or stands so that a change of
 *   whole lines in one file cannot be told from other text
 */
export function upstreamEdit(config: NginxConfig, options: UpstreamOptions): UpstreamEdit {
  const block = findUpstream(config, options);
  const all = serverLines(block, options);
  const lines = slotLines(block, all, options);
  const file = oneFile(lines, options.upstream);
  const text = config.files.get(file) ?? '';
  const inBlock = file === block.file;
  const starts = lines.map((line) => line.directive.start);
  const ends = lines.map((line) => line.directive.end);
  const [start, end] = inBlock ? [block.start, block.end] : [Math.min(...starts), Math.max(...ends)];

  const blueChanges = changesFor(text, lines, 'blue', options.ports[0]);
  const greenChanges = changesFor(text, lines, 'green', options.ports[1]);
  const region = (from: number, to: number) => text.slice(from, to);
  const blue = (from: number, to: number) => applyChanges(region(from, to), from, blueChanges);
  const green = (from: number, to: number) => applyChanges(region(from, to), from, greenChanges);
  const found = findRegion(text, start, end, [region, blue, green]);
  const line = inBlock ? block.line : Math.min(...lines.map(({ directive }) => directive.line));
  if (!found) throw notUnique(options.upstream, `${file}:${line}`);
  const { from, to } = found;
  if (region(from, to).includes('\uFFFD')) throw notText(options.upstream, `${file}:${line}`);
  if (Buffer.byteLength(region(from, to).replaceAll("'", "'\\''")) > LARGEST_REGION) throw tooLarge(options.upstream, `${file}:${line}`);
  return {
    file,
    line,
    serving: servingOf(all),
    region: region(from, to),
    blue: blue(from, to),
    green: green(from, to),
    address: { blue: addressOf(lines, 'blue'), green: addressOf(lines, 'green') },
    others: all.filter((other) => !other.slot).map((other) => directiveText(other.directive)),
  };
}

function addressOf(lines: ServerLine[], slot: Slot): string {
  return (lines.find((line) => line.slot === slot) ?? lines[0])?.address?.host ?? '';
}

function oneFile(lines: ServerLine[], upstream: string): string {
  const files = [...new Set(lines.map((line) => line.directive.file))];
  const [first, second] = files;
  if (first !== undefined && second === undefined) return first;
  throw new DeployError({
    what: `The server lines of the upstream ${upstream} stand in several files: ${lines.map((line) => place(line.directive)).join(', ')}`,
    next: 'Put the lines of both slots into one of these files, so that one replacement of a file changes all of them.',
    settings: ['nginx-upstream'],
  });
}

function notUnique(upstream: string, where: string): DeployError {
  return new DeployError({
    what: `The text of the upstream ${upstream} at ${where} cannot be told from a copy of itself in the same file`,
    next: 'Remove the copy, or put a comment of its own into one of the two.',
    settings: ['nginx-upstream'],
  });
}

function notText(upstream: string, where: string): DeployError {
  return new DeployError({
    what: `The lines of the upstream ${upstream} at ${where} hold bytes that are not UTF-8`,
    next: 'Write the comments in these lines in UTF-8 or plain ASCII.',
    settings: ['nginx-upstream'],
  });
}

function tooLarge(upstream: string, where: string): DeployError {
  return new DeployError({
    what: `The upstream ${upstream} at ${where} stands in lines that are too long to be replaced as a whole: more than ${LARGEST_REGION / 1000} kB`,
    next: 'Write the upstream in lines of its own, or its server lines in a file of their own that is included there.',
    settings: ['nginx-upstream'],
  });
}
