import { isThisMachine, parseTarget, type UpstreamOptions } from './address.js';
import { enclosing, httpServers, walk, type Directive, type NginxConfig } from './config.js';
import { hasErrorPage } from './in-force.js';
import { PASSES } from './leads.js';
import type { Managed } from './managed.js';
import { sameName } from './upstream.js';
import { expand, type Variables } from './variables.js';

/**
 * How a pass leads to the app: by the variable that follows `live`, by the app's own upstream, by the name of one slot's
 * upstream, or straight to a slot's port.
 */
export type By = 'variable' | 'upstream' | 'slot' | 'port';

/** A `*_pass` in a server block of http that leads to the app. */
export interface AppPass {
  directive: Directive;
  server: Directive;
  by: By;
  /** `http`, `https`, …; empty when none is written. */
  scheme: string;
  /** What follows the name: a port, a URI part; empty when nothing does. */
  rest: string;
  /** The directive as messages show it: not the rest, which may hold secrets. */
  text: string;
}

/** The name of a variable, in small letters, without `$`: nginx does not tell large letters from small ones. */
export const variableName = (variable: string): string => variable.replace(/^\$/, '').toLowerCase();

/**
 * All passes that lead to the app, in http, each once for each way that its variables allow.
 * @param variables the values of all variables
 */
export function appPasses(config: NginxConfig, managed: Managed, options: UpstreamOptions, variables: Variables): AppPass[] {
  const name = variableName(managed.variable);
  // The variable itself stays in the text, whether or not this server block sets it.
  const others: Variables = new Map([...variables].map(([server, all]) => [server, all.filter(({ variable }) => variable !== name)]));
  return httpServers(config).filter((server) => !answersItself(server)).flatMap((server) =>
    [...walk(server.block)]
      .filter((directive) => PASSES.has(directive.name) && enclosing(directive, 'server') === server)
      .flatMap((directive) => {
        const found = expand(directive.args[0] ?? '', directive, others).flatMap((text) => leading(text, name, managed, options) ?? []);
        const kinds = new Map(found.map((one) => [`${one.by} ${one.scheme} ${one.rest}`, one]));
        return [...kinds.values()].map((one) => ({ ...one, directive, server, text: `${directive.name} ${one.text}` }));
      }),
  );
}

/** Whether a server block answers every request by a `return` of its own: a redirect to TLS, say. What else it has is never asked. */
function answersItself(server: Directive): boolean {
  const directives = server.block ?? [];
  const at = directives.findIndex(({ name }) => name === 'return');
  const found = directives[at];
  return found !== undefined && !hasErrorPage(found, found.args[0] ?? '') && !directives.slice(0, at).some(ender);
}

/** The directive by which nginx leaves a server block's own rewriting before its end, with or without a condition. */
export function ender(directive: Directive): Directive | undefined {
  const { name, args, block } = directive;
  if (name === 'if') return block?.map((one) => (one.name === 'return' && !hasErrorPage(one, one.args[0] ?? '') ? undefined : ender(one))).find(Boolean);
  if (name === 'break' || name === 'return') return directive;
  return name === 'rewrite' && /^(last|break)$/.test(args[2] ?? '') ? directive : undefined;
}

function leading(text: string, name: string, managed: Managed, options: UpstreamOptions): Pick<AppPass, 'by' | 'scheme' | 'rest' | 'text'> | undefined {
  const variable = name && /^(?:([^:/]+):\/\/)?(\$(?:\{(\w+)\}|(\w+)))(.*)$/s.exec(text);
  if (variable && (variable[3] ?? variable[4] ?? '').toLowerCase() === name) {
    const [, scheme = '', written = '', , , rest = ''] = variable;
    return { by: 'variable', scheme: scheme.toLowerCase(), rest, text: shown(scheme, written, rest) };
  }
  const target = parseTarget(text);
  if (!target) return undefined;
  const rest = `${target.port === undefined ? '' : `:${target.port}`}${target.uri ?? ''}`;
  const by = leadsBy(target, managed, options);
  return by && { by, scheme: target.scheme, rest: by === 'port' ? (target.uri ?? '') : rest, text: shown(target.scheme, target.host, rest) };
}

function leadsBy(target: { host: string; port: number | undefined }, managed: Managed, options: UpstreamOptions): By | undefined {
  if (sameName(target.host, options.upstream)) return 'upstream';
  if (managed.upstreams.some((name) => sameName(target.host, name))) return 'slot';
  const atPort = target.port !== undefined && options.ports.includes(target.port);
  return atPort && isThisMachine(target.host, options.isLocal) ? 'port' : undefined;
}

/** A port is shown, the rest is not. */
function shown(scheme: string, host: string, rest: string): string {
  const [, port = '', more = ''] = /^(:[0-9]+)?(.*)$/s.exec(rest) ?? [];
  return `${scheme && `${scheme}://`}${host}${port}${more ? '…' : ''}`;
}
