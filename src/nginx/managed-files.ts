import { place, walk, type Directive, type NginxConfig } from './config.js';
import type { Managed, ManagedFile } from './managed.js';
import type { AppPass } from './passes.js';
import { at, type Trap } from './trap.js';
import { sameName, upstreams } from './upstream.js';

const RUN_SETUP = 'Run `command: setup`, which writes it again, or give the settings (ports, root, nginx-upstream) that it was written for.';

/** The directives of a file by the block that it is included in. */
export function included(config: NginxConfig, path: string): Map<Directive | undefined, Directive[]> {
  const found = new Map<Directive | undefined, Directive[]>();
  for (const directive of walk(config.directives)) {
    if (directive.file !== path || directive.parent?.file === path) continue;
    found.set(directive.parent, [...(found.get(directive.parent) ?? []), directive]);
  }
  return found;
}

/** What is wrong with the two files themselves: their text, and where they are included. */
export function managedTraps(config: NginxConfig, managed: Managed, passes: AppPass[]): Trap[] {
  const { http, server } = managed;
  return [
    ...textTraps(config, http),
    ...httpTraps(config, managed, passes),
    ...(server ? [...textTraps(config, server), ...serverTraps(config, managed, server, passes)] : []),
  ];
}

function textTraps(config: NginxConfig, { path, text }: ManagedFile): Trap[] {
  const there = config.files.get(path);
  if (there === undefined || there === text) return [];
  const [have, want] = [there.split('\n'), text.split('\n')];
  const differs = have.findIndex((line, at) => line !== want[at]);
  return [{ file: path, line: (differs < 0 ? have.length : differs) + 1, what: 'the file is not as setup writes it with these settings', mend: RUN_SETUP }];
}

/** The upstreams have to be there, in http, and from no other file. */
function httpTraps(config: NginxConfig, { http, upstreams: names }: Managed, passes: AppPass[]): Trap[] {
  const blocks = upstreams(config).filter((block) => block.parent?.name === 'http');
  const traps: Trap[] = [];
  for (const name of names) {
    const block = blocks.find((one) => sameName(one.args[0] ?? '', name));
    if (block && block.file !== http.path) {
      traps.push({ ...at(block), what: `the upstream ${name} is not in the file of setup, ${http.path}`, mend: `Remove it here, then run \`command: setup\`.` });
    }
  }
  const missing = names.filter((name) => !blocks.some((one) => sameName(one.args[0] ?? '', name)));
  const [first] = passes.filter(({ by }) => by === 'variable');
  if (missing.length && first) {
    traps.push({
      ...at(first.directive),
      what: `the upstream${missing.length > 1 ? 's' : ''} ${missing.join(' and ')}, which this leads to, ${missing.length > 1 ? 'are' : 'is'} not at the level of http: nginx answers 502`,
      mend: config.files.has(http.path) ? `Move \`${http.include}\` to the level of http.` : `Write \`${http.include}\` at the level of http, or run \`command: setup\`.`,
    });
  }
  return traps;
}

/** Each server block that uses the variable has to include what sets it, itself. */
function serverTraps(config: NginxConfig, managed: Managed, file: ManagedFile, passes: AppPass[]): Trap[] {
  const blocks = included(config, file.path);
  const traps: Trap[] = [];
  for (const [block, [first]] of blocks) {
    if (!block || !first || block.name === 'server') continue;
    traps.push({
      ...at(block),
      what: `${file.path} is included in this ${block.name}: ${managed.variable} is not set outside of it`,
      mend: `Move \`${file.include}\` to the first line of the server block.`,
    });
  }
  const seen = new Set<Directive>();
  for (const { by, directive, server, text } of passes) {
    if (by !== 'variable' || blocks.has(server) || seen.has(server)) continue;
    seen.add(server);
    traps.push({
      ...at(directive),
      what: `${text}, but this server block does not include ${file.path}: nginx answers 500`,
      mend: `Write \`${file.include}\` as the first line of the server block at ${place(server)}.`,
    });
  }
  return traps;
}
