import { enclosing, walk, type Directive } from './config.js';
import { inForce } from './in-force.js';
import type { Managed } from './managed.js';
import { variableName, type AppPass } from './passes.js';
import { at, type Trap } from './trap.js';
import { tellsHost } from './traps.js';
import { references } from './variables.js';

/** What a person has to know of a configuration that is set up with the variable; sockets have nothing of this kind. */
export function instantWarnings(managed: Managed, passes: AppPass[]): Trap[] {
  const ours = passes.filter(({ by }) => by === 'variable');
  const servers = [...new Set(ours.map(({ server }) => server))];
  return [
    ...distinct(ours.map(({ directive }) => directive)).flatMap((pass) => [...hostWarning(pass, managed), ...cacheWarning(pass, managed), ...nextWarning(pass)]),
    ...servers.flatMap((server) => [...lostRedirects(server, managed), ...lostDefaults(server, managed, new Set(ours.map(({ directive }) => directive)))]),
  ];
}

const distinct = (directives: Directive[]): Directive[] => [...new Set(directives)];

function hostWarning(pass: Directive, { upstreams: [name = ''] }: Managed): Trap[] {
  if (tellsHost(pass)) return [];
  return [
    {
      ...at(pass),
      what: `no proxy_set_header Host holds here: the app sees \`Host: ${name}\`, another one after each switch`,
      mend: 'Write `proxy_set_header Host $host;` beside it.',
    },
  ];
}

/** nginx's default key is `$scheme$proxy_host$request_uri`, with the upstream's name in it. */
function cacheWarning(pass: Directive, { variable }: Managed): Trap[] {
  const [cache] = inForce(pass, 'proxy_cache');
  if (!cache || cache.args[0] === 'off') return [];
  const [key] = inForce(pass, 'proxy_cache_key');
  const used = references(key?.args.join(' ') ?? '$proxy_host');
  if (!used.some((name) => ['proxy_host', 'upstream_addr', variableName(variable)].includes(name))) return [];
  return [
    {
      ...at(key ?? cache),
      what: key ? "proxy_cache_key has the upstream's name in it: the cache is cold after each switch" : "proxy_cache without proxy_cache_key: nginx's own key has the upstream's name in it, so the cache is cold after each switch",
      mend: 'Write `proxy_cache_key $scheme$host$request_uri;`.',
    },
  ];
}

/** The other slot's line in the upstream saves what was assigned to a slot that is stopped meanwhile. */
function nextWarning(pass: Directive): Trap[] {
  const lost = 'an upload that began before a switch is answered with 502 when the old slot has been stopped';
  const [next] = inForce(pass, 'proxy_next_upstream');
  if (next && !next.args.includes('error')) {
    return [{ ...at(next), what: `proxy_next_upstream ${next.args.join(' ')}: ${lost}`, mend: 'Write `error` into it.' }];
  }
  const [tries] = inForce(pass, 'proxy_next_upstream_tries');
  return tries?.args[0] === '1' ? [{ ...at(tries), what: `proxy_next_upstream_tries 1: ${lost}`, mend: 'Allow 2 tries.' }] : [];
}

/** Of http's own `proxy_redirect`s none holds in a server block that has some: ours. */
function lostRedirects(server: Directive, { server: file }: Managed): Trap[] {
  const own = (server.block ?? []).filter(({ name }) => name === 'proxy_redirect');
  const lost = inForce(server, 'proxy_redirect').filter(({ args }) => args[0] !== 'off' && !own.some((one) => one.args.join(' ') === args.join(' ')));
  if (!own.some((one) => one.file === file?.path)) return [];
  return lost.map((one) => ({
    ...at(one),
    what: `this proxy_redirect does not hold in the server block at ${server.file}:${server.line}, which has some of its own by ${file?.path}`,
    mend: 'Repeat it there.',
  }));
}

/** Places of the server block that lead elsewhere, and had nginx's own `proxy_redirect default` until ours came. */
function lostDefaults(server: Directive, { server: file }: Managed, ours: Set<Directive>): Trap[] {
  return [...walk(server.block)]
    .filter((one) => one.name === 'proxy_pass' && !ours.has(one) && !(one.args[0] ?? '').includes('$') && enclosing(one, 'server') === server)
    .filter((one) => {
      const redirects = inForce(one, 'proxy_redirect');
      return redirects.length > 0 && redirects.every((redirect) => redirect.file === file?.path) && inForce(server, 'proxy_redirect').length === 0;
    })
    .map((one) => ({
      ...at(one),
      what: `beside ${file?.path} nginx no longer mends redirects of what this proxy_pass leads to`,
      mend: 'Write `proxy_redirect default;` after it, in the same location.',
    }));
}
