import { DeployError } from '../errors.js';
import { isThisMachine, parseAddress, parseTarget, type UpstreamOptions } from './address.js';
import { enclosing, walk, type Directive, type NginxConfig } from './config.js';
import { parseListen } from './listeners.js';
import { luaWithoutComments } from './lua.js';
import { findUpstream, serverLines, upstreams } from './upstream.js';
import { expand, references, variablesOf } from './variables.js';

/** A place of the configuration that uses a slot's port without the app's upstream. */
export interface OtherWay {
  file: string;
  line: number;
  /** The directive and the address, not the rest of the line: it may hold secrets. */
  text: string;
  why: string;
}

/** Directives beyond `*_pass` whose argument is an address that nginx connects to. */
const CONNECTING = new Set(['auth_http', 'ssl_ocsp_responder', 'endpoint', 'zone_sync_server']);
const connects = (directive: Directive): boolean => directive.name.endsWith('_pass') || CONNECTING.has(directive.name);

/** A variable that is used in these only is shown to somebody, never connected to. */
const SHOWING = new Set(['add_header', 'add_trailer', 'more_set_headers', 'proxy_set_header', 'grpc_set_header', 'fastcgi_param', 'uwsgi_param', 'scgi_param', 'log_format', 'access_log', 'return', 'if']);

const DEFAULT_PORTS: Record<string, number> = { http: 80, https: 443, grpc: 80, grpcs: 443 };

/**
 * Every other way to a slot's port on this machine: direct addresses in `*_pass` and its like, also put together from
 * variables; values of variables; server lines of other upstreams; Lua code; and `listen`. Comments do not count.
 * @param own the upstreams whose server lines are the app's
 * @throws DeployError when these are not given, and the app's upstream is not there, or is there twice
 */
export function otherWays(config: NginxConfig, options: UpstreamOptions, own: Directive[] = [findUpstream(config, options)]): OtherWay[] {
  const names = new Set(upstreams(config).map((block) => block.args[0]?.toLowerCase()));
  const variables = variablesOf(config);
  const everything = [...walk(config.directives)];
  const slotPort = (host: string, port: number | undefined) =>
    port !== undefined && options.ports.includes(port) && isThisMachine(host, options.isLocal);

  /** The port of a slot that this target is, or undefined. */
  const leadsTo = (text: string): { address: string } | undefined => {
    const target = parseTarget(text);
    if (!target || (target.port === undefined && names.has(target.host.toLowerCase()))) return undefined;
    if (!slotPort(target.host, target.port ?? DEFAULT_PORTS[target.scheme])) return undefined;
    const written = `${target.scheme && `${target.scheme}://`}${target.host}${target.port === undefined ? '' : `:${target.port}`}`;
    return { address: written + (target.uri ? '…' : '') };
  };

  const way = (directive: Directive, text: string, why: string): OtherWay => ({ file: directive.file, line: directive.line, text, why });

  const direct = everything.filter(connects).flatMap((directive) =>
    directive.args.flatMap((arg) => {
      const [found] = expand(arg, directive, variables).map(leadsTo).filter((one) => one !== undefined);
      return found ? [way(directive, `${directive.name} ${found.address}`, "goes straight to a slot's port")] : [];
    }),
  );
  const values = [...variables.values()].flat().flatMap(({ variable, value, directive }) => {
    const found = leadsTo(value);
    if (!found || onlyShown(variable, everything)) return [];
    return [way(directive, `$${variable} = ${found.address}`, "gives a variable a slot's address")];
  });
  const ownLines = new Set(own.flatMap((block) => serverLines(block, options)).map((line) => `${line.directive.file}:${line.directive.start}`));
  const pools = upstreams(config)
    .flatMap((block) =>
      serverLines(block, options)
        // A file of server lines that is included in both is changed for both.
        .filter(({ slot, directive }) => slot && !ownLines.has(`${directive.file}:${directive.start}`))
        .map(({ directive }) => way(directive, `server ${directive.args[0]}`, `is in the upstream ${block.args[0]}, which is not the app's`)),
    );
  const listens = everything
    .filter((directive) => directive.name === 'listen' && enclosing(directive, 'server'))
    .flatMap((directive) => {
      const listener = parseListen(directive);
      const taken = listener && !listener.udp && options.ports.some((port) => port >= listener.port && port <= listener.lastPort);
      if (!listener || !taken || !isThisMachine(listener.host, options.isLocal)) return [];
      return [way(directive, `listen ${directive.args[0]}`, "makes nginx itself listen on a slot's port")];
    });
  const lua = everything.flatMap((directive) => {
    const found = codeOf(directive).flatMap((code) => luaAddresses(code)).find(({ host, port }) => slotPort(host, port));
    return found ? [way(directive, `${directive.name} ${found.host}:${found.port}`, "has Lua code with a slot's address")] : [];
  });
  return distinct([...direct, ...values, ...pools, ...listens, ...lua]);
}

/** Whether a variable is used, and only where its value is shown. Lua may read any variable. */
function onlyShown(variable: string, everything: Directive[]): boolean {
  if (everything.some((directive) => codeOf(directive).length > 0)) return false;
  const users = everything.filter((directive) => [directive.name, ...directive.args].some((word) => references(word).includes(variable)));
  const readers = users.filter((user) => !(['set', 'map', 'geo', 'split_clients'].includes(user.name) && !readsToo(user, variable)));
  return readers.length > 0 && readers.every((user) => SHOWING.has(user.name));
}

/** A `set` or `map` names the variable that it sets; it reads one when it stands in another place as well. */
function readsToo(directive: Directive, variable: string): boolean {
  const sources = directive.name === 'set' ? directive.args.slice(1) : directive.args.slice(0, -1);
  return sources.some((source) => references(source).includes(variable));
}

function codeOf(directive: Directive): string[] {
  if (directive.code !== undefined) return [luaWithoutComments(directive.code)];
  return directive.name.endsWith('_by_lua') ? directive.args.map(luaWithoutComments) : [];
}

/** Addresses in Lua, `"127.0.0.1:9501"` or `"127.0.0.1", 9501`. */
function luaAddresses(code: string): { host: string; port: number | undefined }[] {
  const found = code.matchAll(/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|::1)(?::|["']\s*,\s*["']?)([0-9]{1,5})(?![0-9])/g);
  return [...found].map((match) => parseAddress(`${match[1] === '::1' ? '[::1]' : match[1]}:${match[2]}`)).filter((one) => one !== undefined);
}

function distinct(ways: OtherWay[]): OtherWay[] {
  const seen = new Map(ways.map((one) => [`${one.file}:${one.line} ${one.text}`, one]));
  return [...seen.values()].sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : one.line - other.line));
}

/**
 * Refuses a configuration with another way to a slot's port.
 * @param ownFile a file whose upstreams are the app's own too: of an instant switch that no site uses (yet)
 * @throws DeployError that names each file and line
 */
export function refuseOtherWays(config: NginxConfig, options: UpstreamOptions, ownFile = ''): void {
  const written = upstreams(config).filter((block) => block.file === ownFile);
  const ways = otherWays(config, options, [findUpstream(config, options), ...written]);
  if (ways.length === 0) return;
  const listens = ways.some((one) => one.text.startsWith('listen '));
  throw new DeployError({
    what: `nginx uses port ${options.ports.join(' or ')} of this machine in another way than by the upstream ${options.upstream}: ${ways
      .map((one) => `${one.file}:${one.line}: ${one.text} (${one.why})`)
      .join('; ')}`,
    next:
      'After the switch such a place would point at a stopped app. ' +
      `If it belongs to another app, give this one two ports of its own; else let it lead to the upstream, for example \`proxy_pass http://${options.upstream};\`.` +
      (listens ? " A port that nginx listens on itself cannot be a slot's." : ''),
    settings: ['ports', 'nginx-upstream'],
  });
}
