import type { NginxConfig } from './config.js';
import { managedTraps } from './managed-files.js';
import { instantWarnings } from './instant-warnings.js';
import { socketLink, type Managed } from './managed.js';
import { appPasses, type AppPass } from './passes.js';
import { routesBy, routesInto, type Route } from './routes.js';
import type { InstantOptions, Trap } from './trap.js';
import { instantTraps } from './traps.js';
import { sameName, upstreams } from './upstream.js';
import { variablesOf } from './variables.js';

/** What the configuration on disk means for an instant switch. */
export interface InstantFacts {
  /** Some server block leads to the app through what follows `live`: the variable, or the upstream with the link in its path. */
  setUp: boolean;
  /** Why not, for people; empty when it is set up. */
  why: string;
  /** What an instant switch would go wrong with. Empty when it is not set up. */
  traps: Trap[];
  /** What a person has to know, and nothing has to be refused for. */
  warnings: Trap[];
  /**
   * A way into each server block that leads to the app by the variable, the best first: it asks for what the running nginx
   * does. Empty with sockets.
   */
  probes: Route[];
}

/**
 * Whether nginx is set up for `switch: instant`, as far as its files say: what runs is asked by the probes.
 * @param config what `nginx -T` prints, read
 */
export function readInstant(config: NginxConfig, managed: Managed, options: InstantOptions): InstantFacts {
  const passes = appPasses(config, managed, options, variablesOf(config));
  const why = managed.variable ? whyNotByVariable(passes, managed) : whyNotBySocket(config, passes, managed, options);
  if (why) return { setUp: false, why, traps: [], warnings: [], probes: [] };
  const probes = probesOf(config, managed, passes, options);
  return {
    setUp: true,
    why: '',
    traps: [...managedTraps(config, managed, passes), ...instantTraps(config, managed, passes, options)].sort(byPlace),
    warnings: [...instantWarnings(managed, passes), ...unasked(passes, probes)].sort(byPlace),
    probes,
  };
}

/** Server blocks that no address leads to. */
function unasked(passes: AppPass[], probes: Route[]): Trap[] {
  const servers = new Set(passes.filter(({ by }) => by === 'variable').map(({ server }) => server));
  return [...servers]
    .filter(({ file, line }) => !probes.some((route) => route.file === file && route.line === line))
    .map(({ file, line }) => ({
      file,
      line,
      what: 'this server block listens on Unix sockets or UDP only: it cannot be asked which slot nginx uses',
      mend: 'Write `listen 127.0.0.1:<a free port>;` into it, if that is to be proved for it too.',
    }));
}

/** By file, then by line. */
function byPlace(one: Trap, other: Trap): number {
  return one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1;
}

function whyNotByVariable(passes: AppPass[], managed: Managed): string {
  return passes.some(({ by }) => by === 'variable') ? '' : `no server block has \`proxy_pass ${managed.proxyPass};\``;
}

function whyNotBySocket(config: NginxConfig, passes: AppPass[], managed: Managed, { upstream, root }: InstantOptions): string {
  const link = socketLink(root);
  const block = upstreams(config).find((one) => one.parent?.name === 'http' && sameName(one.args[0] ?? '', upstream));
  if (!block?.block?.some((one) => one.name === 'server' && one.args[0] === link)) return `no upstream ${upstream} has the line \`server ${link};\``;
  return passes.some(({ by }) => by === 'upstream') ? '' : `no server block has \`proxy_pass ${managed.proxyPass};\``;
}

function probesOf(config: NginxConfig, managed: Managed, passes: AppPass[], { curl }: InstantOptions): Route[] {
  const leading = new Set(passes.filter(({ by }) => by === 'variable').map(({ server }) => server));
  return routesInto(routesBy(config, (server) => (leading.has(server) ? { path: managed.probePath, rank: 0 } : undefined)), curl);
}
