import { workingPath, compiled } from './compiled.js';
import { place, walk, type Directive, type NginxConfig } from './config.js';
import { passesTo } from './leads.js';
import { COMBINED, statusPlace, type Escape, type StatusPlace } from './log-format.js';
import { variablesOf } from './variables.js';

/** An access log that can be counted, as far as the configuration tells. */
export interface AccessLog {
  path: string;
  status: StatusPlace;
  /** Other sites write to the same file. */
  shared: boolean;
}

/** The access logs of the app's visitors. */
export interface AccessLogs {
  counted: AccessLog[];
  /** Why others, or all, are not counted; for people. */
  uncounted: string[];
}

/** Where one `access_log` leads to. */
type Found = { path: string; status: StatusPlace } | { why: string };

/**
 * The access logs that the answers of the app stand in: of each place that passes requests to it, what is in force there (a level with an
 * `access_log` of its own replaces the outer ones; ngx_http_log_merge_loc_conf). Never throws: what cannot be counted is said.
 *
 * @param options `upstreams`: the names that lead to the app; `nginxV`: what `nginx -V` prints
 */
export function accessLogs(config: NginxConfig, options: { upstreams: readonly string[]; nginxV: string }): AccessLogs {
  const variables = variablesOf(config);
  const servers = config.directives
    .filter(({ name }) => name === 'http')
    .flatMap((http) => (http.block ?? []).filter(({ name, block }) => name === 'server' && block));
  const passes = servers.map((server) => options.upstreams.flatMap((upstream) => passesTo(server, upstream, variables)));
  const own = servers.filter((_, at) => passes[at]?.length);
  const others = servers.filter((server) => !own.some((one) => one === server || sameSite(one, server)));
  const reader = new Reader(config, options.nginxV);

  const places = passes.flat().map(({ directive }) => reader.inForce(directive.parent));
  const elsewhere = new Set(others.flatMap((server) => reader.allBelow(server)).flatMap((one) => ('path' in one ? [one.path] : [])));
  const counted = new Map<string, AccessLog>();
  const uncounted = new Set<string>();
  for (const found of places) {
    const usable = found.filter((one) => 'path' in one);
    for (const { path, status } of usable) counted.set(JSON.stringify([path, status]), { path, status, shared: elsewhere.has(path) });
    // Of several logs of one place all hold the same answers.
    if (usable.length === 0) for (const one of found) if ('why' in one) uncounted.add(one.why);
  }
  if (places.length === 0) uncounted.add(`no server block of nginx leads to ${options.upstreams.join(' or ')}`);
  // A health path whose answers are not written down is no loss beside a log that is.
  if (counted.size) for (const why of uncounted) if (why.startsWith(OFF)) uncounted.delete(why);
  return { counted: [...counted.values()], uncounted: [...uncounted] };
}

const OFF = 'access_log is off';

/** The plain http server that sends visitors on to the app's own one, and the like. */
function sameSite(one: Directive, other: Directive): boolean {
  const names = namesOf(one);
  return namesOf(other).some((name) => names.includes(name));
}

function namesOf(server: Directive): string[] {
  return (server.block ?? []).filter(({ name }) => name === 'server_name').flatMap(({ args }) => args).filter((name) => name && name !== '_');
}

class Reader {
  private readonly formats: Map<string, Directive>;

  constructor(config: NginxConfig, private readonly nginxV: string) {
    const written = [...walk(config.directives)].filter(({ name, parent }) => name === 'log_format' && parent?.name === 'http');
    this.formats = new Map(written.map((directive) => [directive.args[0] ?? '', directive]));
  }

  /** The logs that hold the answers which are given in a block. */
  inForce(block: Directive | undefined): Found[] {
    for (let at = block; at; at = at.parent) {
      const written = ownLogs(at);
      if (written.length) return this.read(written);
    }
    // nginx's own default, auto/options in its sources.
    return [this.file(compiled(this.nginxV, 'http-log-path') ?? 'logs/access.log', 'combined', '')];
  }

  /** The logs of a server block and of all blocks in it. */
  allBelow(server: Directive): Found[] {
    return [...this.inForce(server), ...[...walk(server.block)].flatMap((block) => this.read(ownLogs(block)))];
  }

  private read(written: Directive[]): Found[] {
    const off = written.find(({ args }) => args[0] === 'off');
    if (off) return [{ why: `${OFF} at ${place(off)}` }];
    return written.map((directive) => this.one(directive));
  }

  private one(directive: Directive): Found {
    const [path = '', format = 'combined', ...parameters] = directive.args;
    const at = place(directive);
    if (path.startsWith('syslog:')) return { why: `the access log at ${at} goes to syslog` };
    if (path.includes('$')) return { why: `the access log at ${at} has a variable in its path` };
    if (/[\t\n]/.test(path)) return { why: `the access log at ${at} has a path that cannot be followed` };
    if (parameters.some((one) => /^gzip(=|$)/.test(one))) return { why: `the access log at ${at} is compressed (gzip)` };
    if (parameters.some((one) => one.startsWith('if='))) return { why: `the access log at ${at} takes some of the answers only (if=)` };
    return this.file(path, format, at);
  }

  /** @param at where it is written; '' for the default */
  private file(path: string, format: string, at: string): Found {
    const status = this.statusOf(format);
    if (status) return { path: workingPath(path, this.nginxV), status };
    return { why: `the access log at ${at} has the format ${format}, in which the status cannot be told from other text` };
  }

  private statusOf(name: string): StatusPlace | undefined {
    const directive = this.formats.get(name);
    if (!directive) return name === 'combined' ? statusPlace(COMBINED, 'default') : undefined;
    const [, first = '', ...rest] = directive.args;
    const escape = /^escape=(default|json|none)$/.exec(first)?.[1] as Escape | undefined;
    return statusPlace([...(escape ? [] : [first]), ...rest].join(''), escape ?? 'default');
  }
}

function ownLogs(block: Directive): Directive[] {
  return (block.block ?? []).filter(({ name }) => name === 'access_log');
}
