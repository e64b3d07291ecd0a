import type { UpstreamOptions } from './address.js';
import { enclosing, httpServers, place, walk, type Directive, type NginxConfig } from './config.js';
import { inForce } from './in-force.js';
import { parseLocation } from './locations.js';
import { included } from './managed-files.js';
import { socketLink, type Managed } from './managed.js';
import { otherWays } from './other-ways.js';
import { ender, variableName, type AppPass } from './passes.js';
import { at, type InstantOptions, type Trap } from './trap.js';
import { sameName, serverLines, upstreams } from './upstream.js';
import { references } from './variables.js';

/** Everything about a set-up configuration with which an instant switch would go wrong, but for the managed files themselves. */
export function instantTraps(config: NginxConfig, managed: Managed, passes: AppPass[], options: InstantOptions): Trap[] {
  const others = waysBeside(config, managed, options);
  if (!managed.variable) return [...handMadeSocket(config, managed, options), ...others];
  const known = new Set(others.map(({ file, line }) => `${file}:${line}`));
  const servers = [...new Set(passes.filter(({ by }) => by === 'variable').map(({ server }) => server))];
  return [
    ...passes.filter((pass) => !known.has(place(pass.directive))).flatMap((pass) => passTraps(pass, managed)),
    ...servers.flatMap((server) => serverTraps(config, server, managed)),
    ...otherSetters(config, managed, passes),
    ...others,
  ];
}

/** A slot's port that is reached without the upstreams that follow `live`. */
function waysBeside(config: NginxConfig, managed: Managed, options: UpstreamOptions): Trap[] {
  const names = [options.upstream, ...managed.upstreams];
  const own = upstreams(config).filter((block) => block.parent?.name === 'http' && names.some((name) => sameName(block.args[0] ?? '', name)));
  return otherWays(config, options, own).map((way) => ({
    ...at(way),
    what: `${way.text} ${way.why}, which an instant switch does not change`,
    mend: mendOfWay(way.text, managed),
    setting: 'ports',
  }));
}

/** An upstream that is not the app's is mostly another app's, whose requests must not be led here. */
function mendOfWay(text: string, { proxyPass }: Managed): string {
  if (text.startsWith('listen ')) return "Give the app's slots other ports.";
  if (text.startsWith('server ')) return `If that upstream belongs to another app, give this one two ports of its own (setting ports). Else let what uses it lead to the app by \`${proxyPass}\`, and remove the line.`;
  return `Let it lead to the app by \`${proxyPass}\`. If it belongs to another app, give this one two ports of its own (setting ports).`;
}

/** What a pass itself says. */
export function passTraps(pass: AppPass, managed: Managed): Trap[] {
  const { directive, by, text } = pass;
  const trap = (what: string, mend: string): Trap[] => [{ ...at(directive), what: `${text}: ${what}`, mend }];
  const plain = `Write \`proxy_pass ${managed.proxyPass};\`.`;
  if (by === 'slot') return trap('always leads to this one slot, whichever is live', plain);
  if (by === 'upstream') return trap('leads to an upstream that an instant switch does not change', `${plain} In its server block, \`${managed.server?.include}\` has to be the first line.`);
  if (by === 'port') return trap("goes straight to a slot's port, which an instant switch does not change", plain);
  return [...shapeTraps(pass, managed), ...redirectTraps(pass, managed)];
}

/** The scheme, and what follows the name. */
export function shapeTraps({ directive, scheme, rest, text }: AppPass, managed: Managed): Trap[] {
  const trap = (what: string, mend: string): Trap[] => [{ ...at(directive), what: `${text}: ${what}`, mend }];
  const plain = `Write \`proxy_pass ${managed.proxyPass};\`.`;
  if (directive.name !== 'proxy_pass' || scheme !== 'http') {
    return trap('an instant switch serves `proxy_pass http://` only', `${plain} Or set switch: reload, for an app that speaks something else.`);
  }
  if (rest.startsWith(':')) return trap('with a port nginx does not find the upstream and answers 502', plain);
  if (!rest || followsPath(rest, directive)) return [];
  return trap("nginx asks for what follows the name, whatever the visitor's path, since the name is a variable", mendOfUri(rest, directive, managed.proxyPass));
}

/** Whether the URI part has the visitor's path in it, as far as one can see. In an exact location there is only one path. */
function followsPath(rest: string, directive: Directive): boolean {
  const used = references(rest);
  const query = used.some((name) => ['args', 'query_string', 'request_uri'].includes(name));
  const location = enclosing(directive, 'location');
  if (location && parseLocation(location).kind === 'exact') return query;
  return used.some((name) => !['args', 'query_string', 'is_args'].includes(name));
}

/** How to write the same without a URI part. */
export function mendOfUri(rest: string, directive: Directive, proxyPass: string): string {
  const location = enclosing(directive, 'location');
  const { kind, value } = location ? parseLocation(location) : { kind: 'regex', value: '' };
  if (kind === 'prefix' && value === rest) return `Write \`proxy_pass ${proxyPass};\`.`;
  if (kind === 'exact') return `Write \`$is_args$args\` at its end.`;
  if (kind === 'prefix' && !rest.includes('$')) {
    return `Write \`rewrite ^${escaped(value)}(.*)$ ${rest}$1 break;\` and after it \`proxy_pass ${proxyPass};\`.`;
  }
  return `Put the path together with \`rewrite … break;\`, and after it write \`proxy_pass ${proxyPass};\`.`;
}

const escaped = (path: string): string => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether the app is told another host than the upstream's name, so that it writes no redirects to that one. */
export function tellsHost(pass: Directive): boolean {
  const host = inForce(pass, 'proxy_set_header').find(({ args }) => args[0]?.toLowerCase() === 'host');
  return host !== undefined && !references(host.args[1] ?? '').includes('proxy_host');
}

/** A location with a `proxy_redirect` of its own does not get ours. It matters where the app knows the upstream's name. */
function redirectTraps({ directive, text }: AppPass, { server, upstreams: names }: Managed): Trap[] {
  const own = inForce(directive, 'proxy_redirect').filter(({ file }) => file !== server?.path);
  const [first] = own;
  if (!first || first.args[0] === 'off' || tellsHost(directive) || inForce(directive, 'proxy_redirect').length > own.length) return [];
  const missing = names.filter((name) => !own.some(({ args }) => args[0] === `http://${name}/`));
  if (missing.length === 0) return [];
  return [
    {
      ...at(first),
      what: `proxy_redirect takes the place of setup's for ${text}: visitors would be redirected to http://${missing[0]}/`,
      mend: `Write beside it: \`${missing.map((name) => `proxy_redirect http://${name}/ /;`).join(' ')}\` — or tell the app the host: \`proxy_set_header Host $host;\`.`,
    },
  ];
}

/** What in a server block keeps the variable from being set, or the probe from being answered. */
function serverTraps(config: NginxConfig, server: Directive, managed: Managed): Trap[] {
  const file = managed.server;
  const directives = server.block ?? [];
  const [first] = (file && included(config, file.path).get(server)) ?? [];
  if (!file || !first) return [];
  const traps = directives.slice(0, directives.indexOf(first)).flatMap((directive) => {
    const ends = ender(directive);
    if (!ends) return [];
    const what = `${ends.name} comes before ${file.path} is included: nginx does not set ${managed.variable} then, and answers 500`;
    return [{ ...at(ends), what, mend: `Make \`${file.include}\` the first line of the server block at ${place(server)}.` }];
  });
  return traps.length ? traps : probeTraps(directives, managed);
}

/** What answers the probe in the place of the probe's location. */
function probeTraps(directives: Directive[], { probePath }: Managed): Trap[] {
  const taker = directives.find(({ name, args }) => name === 'return' || (name === 'rewrite' && matches(args[0] ?? '', probePath)));
  if (!taker) return [];
  const what = `${taker.name} takes ${probePath} too, by which a deploy asks which slot nginx uses`;
  const mend = taker.name === 'return' ? 'Put it into a location.' : `Let its expression leave that path out, by beginning with \`^(?!/\\.bluegreen/)\`, or put it into a location.`;
  return [{ ...at(taker), what, mend }];
}

/** nginx's expressions are PCRE: one that JavaScript cannot read matches nothing here. */
function matches(expression: string, path: string): boolean {
  try {
    return new RegExp(expression).test(path);
  } catch {
    return false;
  }
}

/** Two apps whose names differ only in signs that a variable cannot have (`my-shop`, `my_shop`), or a `set` by hand. */
function otherSetters(config: NginxConfig, managed: Managed, passes: AppPass[]): Trap[] {
  const name = variableName(managed.variable);
  const leading = new Set(passes.map(({ server }) => server));
  const locations = new Set(passes.map(({ directive }) => enclosing(directive, 'location')));
  const counts = (directive: Directive): boolean => {
    const location = enclosing(directive, 'location');
    return !location || locations.has(location);
  };
  return httpServers(config)
    .filter((server) => leading.has(server))
    .flatMap((server) => [...walk(server.block)])
    .filter((one) => one.file !== managed.server?.path && /set/.test(one.name) && /^\$/.test(one.args[0] ?? '') && variableName(one.args[0] ?? '') === name && counts(one))
    .map((one) => ({
      ...at(one),
      what: `${one.name} ${managed.variable} gives another value to the variable that follows the live slot`,
      mend: 'Remove it. Two apps of one server block need names that differ in more than "-", "." and "_".',
    }));
}

/** An upstream for the socket that was written by hand. */
function handMadeSocket(config: NginxConfig, managed: Managed, options: InstantOptions): Trap[] {
  const block = upstreams(config).find((one) => one.parent?.name === 'http' && sameName(one.args[0] ?? '', options.upstream));
  if (!block || block.file === managed.http.path) return [];
  const keepalive = (block.block ?? []).filter(({ name, args }) => name === 'keepalive' && args[0] !== '0');
  const servers = serverLines(block, options).filter(({ directive, backup, down }) => !backup && !down && directive.args[0] !== socketLink(options.root));
  return [
    ...keepalive.map((one) => ({ ...at(one), what: 'keepalive: connections that nginx keeps stay with the old slot after a switch', mend: 'Remove the line.' })),
    ...servers.map(({ directive }) => ({ ...at(directive), what: `server ${directive.args[0]} gets requests too, whichever slot is live`, mend: 'Remove the line.' })),
  ];
}
