import { DeployError } from '../errors.js';
import { isThisMachine, parseAddress, type Address, type UpstreamOptions } from './address.js';
import { place, type Directive, type NginxConfig } from './config.js';
import { unreadable } from './lexer.js';

export type Slot = 'blue' | 'green';

/** Which slots' server lines nginx uses: those without `down`, and `backup` ones only when no other slot line serves. */
export type Serving = Slot | 'both' | 'none';

/** One `server` line of the app's upstream. */
export interface ServerLine {
  directive: Directive;
  /** Undefined for a Unix socket. */
  address: Address | undefined;
  /** Undefined for a line that is no slot's: another machine, a socket, another port. */
  slot: Slot | undefined;
  down: boolean;
  backup: boolean;
}

/** nginx compares upstreams' names without regard to case. */
export const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** All `upstream` blocks in http and stream. */
export function upstreams(config: NginxConfig): Directive[] {
  return config.directives
    .filter((directive) => directive.name === 'http' || directive.name === 'stream')
    .flatMap((context) => (context.block ?? []).filter((directive) => directive.name === 'upstream' && directive.block));
}

/**
 * The app's `upstream` block, in http or stream, in whichever file.
 * @throws DeployError with the lines to add when it is not there, with all places when it is there more than once
 */
export function findUpstream(config: NginxConfig, options: Pick<UpstreamOptions, 'upstream' | 'ports'>): Directive {
  const { upstream, ports } = options;
  const all = upstreams(config);
  const found = all.filter((block) => sameName(block.args[0] ?? '', upstream));
  const [first, second] = found;
  if (first && !second) return first;
  if (first && second) {
    throw new DeployError({
      what: `nginx's configuration has the upstream ${upstream} more than once: ${found.map((block) => `${place(block)} (${block.parent?.name})`).join(', ')}`,
      next: 'Keep one of them, or give one another name and name the one that leads to this app in the setting.',
      settings: ['nginx-upstream'],
    });
  }
  const names = [...new Set(all.map((block) => block.args[0] ?? ''))].sort();
  throw new DeployError({
    what: `nginx's configuration has no upstream ${upstream}`,
    next: [
      'Add this to the http block of nginx:',
      `    upstream ${upstream} { server 127.0.0.1:${ports[0]}; }`,
      'and in the location of the site that the app answers:',
      `    proxy_pass http://${upstream};`,
      names.length ? `Or name one of the upstreams that are there in the setting: ${names.join(', ')}.` : 'No upstream is there at all so far.',
    ].join('\n'),
    settings: ['nginx-upstream'],
  });
}

/**
 * All `server` lines of an upstream block, in order, those of included files too.
 * @throws DeployError when a block stands in it: a `;` was forgotten
 */
export function serverLines(block: Directive, options: UpstreamOptions): ServerLine[] {
  const nested = block.block?.find((directive) => directive.block);
  if (nested) throw unreadable(nested.file, nested.line, 'a block inside an upstream');
  return (block.block ?? [])
    .filter((directive) => directive.name === 'server')
    .map((directive) => {
      const [text = '', ...parameters] = directive.args;
      const address = parseAddress(text);
      return {
        directive,
        address,
        slot: slotOf(address, options),
        down: parameters.includes('down'),
        backup: parameters.includes('backup'),
      };
    });
}

function slotOf(address: Address | undefined, { ports, isLocal }: UpstreamOptions): Slot | undefined {
  if (!address || !isThisMachine(address.host, isLocal)) return undefined;
  return address.port === ports[0] ? 'blue' : address.port === ports[1] ? 'green' : undefined;
}

/** Which slots get the traffic by these lines. */
export function servingOf(lines: ServerLine[]): Serving {
  const up = lines.filter((line) => line.slot && !line.down);
  const first = up.filter((line) => !line.backup);
  const slots = new Set((first.length ? first : up).map((line) => line.slot));
  if (slots.size === 2) return 'both';
  return slots.has('blue') ? 'blue' : slots.has('green') ? 'green' : 'none';
}

/** A directive without its block on one line: `server 127.0.0.1:9501 backup`. */
export const directiveText = (directive: Directive): string => [directive.name, ...directive.args].join(' ');

/**
 * The lines of the app's upstream that belong to a slot.
 * @throws DeployError that says what is there when no line has a slot's port on this machine
 */
export function slotLines(block: Directive, lines: ServerLine[], { upstream, ports }: UpstreamOptions): ServerLine[] {
  const ours = lines.filter((line) => line.slot);
  if (ours.length) return ours;
  const there = lines.map((line) => `${directiveText(line.directive)} (line ${line.directive.line})`).join(', ');
  throw new DeployError({
    what: `The upstream ${upstream} at ${place(block)} has no server line with port ${ports[0]} or ${ports[1]} on this machine; it has ${there || 'no server line at all'}`,
    next: `Set the two ports that the app's slots use, or add the line "server 127.0.0.1:${ports[0]};" to the upstream.`,
    settings: ['ports', 'nginx-upstream'],
  });
}
