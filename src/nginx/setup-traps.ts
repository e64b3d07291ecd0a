import { httpServers, type Directive, type NginxConfig } from './config.js';
import { inForce } from './in-force.js';
import type { Statement } from './parser.js';
import type { Managed } from './managed.js';
import { appPasses, type AppPass } from './passes.js';
import { at, type InstantOptions, type Trap } from './trap.js';
import { mendOfUri, shapeTraps } from './traps.js';
import { serverLines } from './upstream.js';
import { variablesOf } from './variables.js';

/** What setup changes over. */
export interface Conversion {
  wanted: Managed;
  /** What the passes lead to now: `http://shop`, or `http://$bluegreen_shop` where sockets are wanted. */
  from: string;
  /** The passes to change. */
  passes: AppPass[];
  /** The server blocks that lead to the app. */
  servers: Directive[];
  /** Lines that include what is not needed any more. */
  includes: Statement[];
  /** The upstream that is no longer led to. */
  block: Directive | undefined;
}

/** Passes that cannot be changed safely. What a person is told to write works today, and setup changes it over. */
export function conversionTraps({ wanted, passes, from }: Conversion, { upstream }: InstantOptions): Trap[] {
  const again = 'Then run setup again.';
  return passes.flatMap((pass): Trap[] => {
    const { directive, text, rest } = pass;
    const trap = (what: string, mend: string): Trap[] => [{ ...at(directive), what: `${text}: ${what}`, mend: `${mend} ${again}` }];
    // The name is written out, and not put together from variables.
    const written = (directive.args[0] ?? '').slice(0, rest ? -rest.length : undefined);
    const plain = `Write \`proxy_pass http://${upstream};\`.`;
    if (directive.name !== 'proxy_pass' || pass.scheme !== 'http') return trap('an instant switch serves `proxy_pass http://` only', `${plain} Or set switch: reload, for an app that speaks something else.`);
    if (written.replace(/[{}]/g, '').toLowerCase() !== from.toLowerCase()) return [{ ...at(directive), what: `${directive.name} leads to the app by a variable`, mend: `${plain} ${again}` }];
    if (!wanted.variable || shapeTraps(pass, wanted).length === 0) return [];
    return trap('what follows the name would be asked for whatever the visitor\'s path, once the name is a variable', mendOfUri(rest, directive, `http://${upstream}`));
  });
}

/** Other machines that share the traffic: an instant switch knows the two slots alone. */
export function otherServers({ block }: Conversion, options: InstantOptions): Trap[] {
  const lines = block ? serverLines(block, options) : [];
  // Without any line of a slot's the ports are not those of the app: another message.
  if (!lines.some(({ slot }) => slot)) return [];
  return lines
    .filter(({ slot, down }) => !slot && !down)
    .map(({ directive }) => ({
      ...at(directive),
      what: `server ${directive.args[0]}: after setup only the app's two slots would get requests, not this one`,
      mend: 'Remove the line, or set switch: reload.',
    }));
}

/** What `nginx -t` would refuse beside the include. Read in the configuration as it will be. */
export function refusedByNginx(config: NginxConfig, managed: Managed, options: InstantOptions): Trap[] {
  const file = managed.server;
  if (!file) return [];
  const passes = appPasses(config, managed, options, variablesOf(config)).filter(({ by }) => by === 'variable');
  const leading = new Set(passes.map(({ server }) => server));
  const again = 'Then run setup again.';
  const inServers = httpServers(config).filter((server) => leading.has(server)).flatMap((server) =>
    (server.block ?? []).filter((one) => one.file !== file.path).flatMap((one): Trap[] => {
      const { name, args } = one;
      if (name === 'open_file_cache' || name === 'disable_symlinks') return [duplicate(one, file.path, again)];
      if (name === 'proxy_redirect' && /^(off|default)$/.test(args[0] ?? '')) {
        return [{ ...at(one), what: `proxy_redirect ${args[0]} beside ${file.path}, which has others: nginx refuses that`, mend: `Remove the line, or move it into the locations that need it. ${again}` }];
      }
      if (name === 'location' && args.join(' ').replace(/^=\s*/, '= ') === `= ${managed.probePath}`) {
        return [{ ...at(one), what: `${file.path} has a location ${args.join(' ')} too`, mend: `Remove this one. ${again}` }];
      }
      return [];
    }),
  );
  const redirects = passes.flatMap(({ directive }) =>
    inForce(directive, 'proxy_redirect')
      .filter((one) => one.args[0] === 'default' && one.parent === directive.parent)
      .map((one) => ({ ...at(one), what: '`proxy_redirect default` beside a variable: nginx refuses that', mend: `Remove the line: ${file.path} does the same. ${again}` })),
  );
  return [...inServers, ...redirects];
}

/** Several apps of one server block have the same line in the files of each. */
function duplicate(one: Directive, path: string, again: string): Trap {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const ours = one.file.startsWith(folder);
  return {
    ...at(one),
    what: `${one.name} stands in this server block, and in ${path} too: nginx refuses that`,
    mend: ours
      ? 'Only one app of a server block can be switched instantly: give this app a server block of its own, or set switch: reload for it.'
      : `Remove the line: for the whole server block it has to be off. ${again}`,
  };
}

