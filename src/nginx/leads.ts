import { parseTarget } from './address.js';
import { walk, type Directive } from './config.js';
import { chosenLocation, parseLocation, type Location } from './locations.js';
import { sameName } from './upstream.js';
import { expand, type Variables } from './variables.js';

/** A path to ask a server block for, so that the app answers. A lower rank is a better one. */
export interface Lead {
  path: string;
  rank: number;
}

/** Ranks: what the path is worth as a question to the app's health path. */
const HEALTH = 0;
const PREFIX = 1;
const EXACT = 2;
const UNSURE = 3;
/** Added when nginx would answer this path from a location that does not lead to the app. */
const SHADOWED = 4;

/** Directives that hand a request to an app. */
export const PASSES = new Set(['proxy_pass', 'grpc_pass', 'fastcgi_pass', 'uwsgi_pass', 'scgi_pass']);

/** A pass to the app: the location it stands in, and the URI part that takes the place of the location's prefix. */
interface Pass {
  directive: Directive;
  location: Directive | undefined;
  uri: string | undefined;
  /** With variables nginx asks the app for the URI part alone, whatever the visitor's path. */
  fixed: boolean;
}

/**
 * The best path that leads from a server block to the app's upstream, or undefined when none does.
 * @param variables the values of variables, for `proxy_pass http://$backend`
 */
export function leadOf(server: Directive, upstream: string, healthPath: string, variables: Variables): Lead | undefined {
  const passes = passesTo(server, upstream, variables).filter(({ location }) => !isInternal(location));
  const leading = new Set(passes.map(({ location }) => location));
  const byName = new Set(passes.map(({ location }) => location && parseLocation(location)).filter((one) => one?.kind === 'named').map((one) => one?.value));
  const ends = (location: Location | undefined): boolean =>
    leading.has(location?.directive) || fallbacks(location ? [location.directive] : server.block ?? []).some((name) => byName.has(name));

  const leads = passes.flatMap((pass) => pathsOf(pass, server, healthPath)).map((lead) => {
    const shadowed = lead.rank < UNSURE && !ends(chosenLocation(server.block, lead.path));
    return { path: lead.path.startsWith('/') ? lead.path : `/${lead.path}`, rank: lead.rank + (shadowed ? SHADOWED : 0) };
  });
  return leads.reduce<Lead | undefined>((best, lead) => (best && best.rank <= lead.rank ? best : lead), undefined);
}

/** The `*_pass` directives of a server block that lead to an upstream. */
export function passesTo(server: Directive, upstream: string, variables: Variables): Pass[] {
  return [...walk(server.block)].filter((directive) => PASSES.has(directive.name)).flatMap((directive) => {
    const text = directive.args[0] ?? '';
    const target = expand(text, directive, variables).map(parseTarget).find((one) => one && sameName(one.host, upstream));
    if (!target) return [];
    const mapped = directive.name === 'proxy_pass' && !/^\$(request_uri|uri)\b/.test(target.uri ?? '');
    const uri = mapped ? target.uri : undefined;
    return [{ directive, location: nearestLocation(directive), uri, fixed: uri !== undefined && text.includes('$') }];
  });
}

function nearestLocation(directive: Directive): Directive | undefined {
  for (let at = directive.parent; at && at.name !== 'server'; at = at.parent) if (at.name === 'location') return at;
  return undefined;
}

/** Only nginx itself can ask an internal location. */
function isInternal(location: Directive | undefined): boolean {
  return location?.block?.some((directive) => directive.name === 'internal') ?? false;
}

/** The named locations that these directives, or those in their blocks, fall back to. */
function fallbacks(directives: Directive[]): string[] {
  return directives
    .flatMap((directive) => (directive.name === 'location' ? directive.block ?? [] : [directive]))
    .filter((directive) => directive.name === 'try_files' || directive.name === 'error_page')
    .map((directive) => directive.args.at(-1) ?? '')
    .filter((name) => name.startsWith('@'));
}

function pathsOf(pass: Pass, server: Directive, healthPath: string): Lead[] {
  if (!pass.location) return [{ path: healthPath, rank: UNSURE }];
  const location = parseLocation(pass.location);
  if (location.kind !== 'named') return pathsInto(location, pass.uri, pass.fixed ? '' : healthPath);
  const users = [...walk(server.block)].filter((one) => one.name === 'location' && fallbacks([one]).includes(location.value));
  const leads = users.flatMap((user) => pathsInto(parseLocation(user), undefined, healthPath));
  if (fallbacks(server.block?.filter((one) => one.name !== 'location') ?? []).includes(location.value)) leads.push({ path: healthPath, rank: HEALTH });
  return leads.length ? leads : [{ path: healthPath, rank: UNSURE }];
}

/**
 * The paths to ask for one location. With a URI part nginx puts it in the place of the prefix, so it is taken away and
 * the prefix put there; the bare prefix is the second choice.
 */
function pathsInto(location: Location, uri: string | undefined, healthPath: string): Lead[] {
  const { kind, value } = location;
  if (kind === 'exact') return [{ path: value, rank: EXACT }];
  if (kind !== 'prefix') return [{ path: healthPath || '/', rank: UNSURE }];
  const start = uri ?? value;
  const bare = { path: value, rank: PREFIX };
  return healthPath.startsWith(start) ? [{ path: value + healthPath.slice(start.length), rank: HEALTH }, bare] : [bare];
}
