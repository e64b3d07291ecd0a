import { httpServers, walk, type Directive, type NginxConfig } from './config.js';
import { leadOf, type Lead } from './leads.js';
import { listenersOf, socketOf, type Listener } from './listeners.js';
import { variablesOf } from './variables.js';

/** How to ask the app through nginx, as a visitor would. */
export interface Route {
  scheme: 'http' | 'https';
  /** The address to connect to; IPv6 in brackets. */
  connectTo: string;
  port: number;
  /** For Host and SNI; empty when the server block has no plain name. */
  serverName: string;
  path: string;
  /** nginx expects the PROXY protocol on this connection. */
  proxyProtocol: boolean;
  /** The server block. */
  file: string;
  line: number;
}

/** A route and what it is ordered by, the most important first; smaller is better. */
interface Candidate {
  route: Route;
  order: number[];
}

/**
 * The ways of a visitor to the app, best first: TLS, then port 80, then others; among them those whose location leads
 * surely to the app, and the default server. Sockets and QUIC are left out.
 * @param options the upstream's name, and the path that the health check asks for
 * @returns empty when no server block leads to the upstream
 */
export function visitorRoutes(config: NginxConfig, options: { upstream: string; healthPath: string }): Route[] {
  const variables = variablesOf(config);
  return routesBy(config, (server) => leadOf(server, options.upstream, options.healthPath, variables));
}

/** The ways into the server blocks that `lead` has a path for, best first. */
export function routesBy(config: NginxConfig, lead: (server: Directive) => Lead | undefined): Route[] {
  const servers = httpServers(config);
  const sockets = socketsOf(servers);
  const candidates = servers.flatMap((server) => {
    const found = lead(server);
    return found ? listenersOf(server).filter((one) => !one.udp).map((one) => candidate(server, one, found, sockets)) : [];
  });
  return candidates.sort((one, other) => compare(one.order, other.order)).map(({ route }) => route);
}

/**
 * One way into each server block, those first that the host can ask.
 * @param curl whether the host has curl: without it only plain http can be asked
 */
export function routesInto(routes: Route[], curl: boolean): Route[] {
  const easy = (route: Route): boolean => curl || (route.scheme === 'http' && !route.proxyProtocol);
  const ordered = [...routes.filter(easy), ...routes.filter((route) => !easy(route))];
  return ordered.filter((route, at) => ordered.findIndex(({ file, line }) => file === route.file && line === route.line) === at);
}

/** What all listeners of one socket have in common, and the server block that answers unknown names there. */
interface Socket {
  ssl: boolean;
  proxyProtocol: boolean;
  defaultServer: Directive;
}

function socketsOf(servers: Directive[]): Map<string, Socket> {
  const sockets = new Map<string, Socket>();
  for (const server of servers) {
    for (const listener of listenersOf(server).filter((one) => !one.udp)) {
      const known = sockets.get(socketOf(listener));
      sockets.set(socketOf(listener), {
        ssl: listener.ssl || (known?.ssl ?? false),
        proxyProtocol: listener.proxyProtocol || (known?.proxyProtocol ?? false),
        defaultServer: listener.isDefault || !known ? server : known.defaultServer,
      });
    }
  }
  return sockets;
}

function candidate(server: Directive, listener: Listener, lead: Lead, sockets: Map<string, Socket>): Candidate {
  const socket = sockets.get(socketOf(listener));
  const tls = (socket?.ssl ?? listener.ssl) || sslIsOn(server);
  const route: Route = {
    scheme: tls ? 'https' : 'http',
    connectTo: connectTo(listener.host),
    port: listener.port,
    serverName: serverName(server),
    path: lead.path,
    proxyProtocol: socket?.proxyProtocol ?? listener.proxyProtocol,
    file: server.file,
    line: server.line,
  };
  const usual = route.port === (tls ? 443 : 80);
  const isDefault = socket?.defaultServer === server;
  return {
    route,
    order: [
      tls ? 0 : usual ? 1 : 2,
      lead.rank,
      // Without a name only the default server is found.
      Number(!route.serverName && !isDefault),
      Number(route.proxyProtocol),
      Number(!isDefault),
      Number(!usual),
    ],
  };
}

function compare(one: number[], other: number[]): number {
  const differs = one.findIndex((value, i) => value !== other[i]);
  return differs < 0 ? 0 : (one[differs] ?? 0) - (other[differs] ?? 0);
}

function connectTo(host: string): string {
  if (host === '0.0.0.0' || host.toLowerCase() === 'localhost') return '127.0.0.1';
  return host === '[::]' ? '[::1]' : host;
}

/** The old `ssl on;`, in the server block or for all of http. */
function sslIsOn(server: Directive): boolean {
  const find = (block: Directive[] | undefined) => block?.find((directive) => directive.name === 'ssl');
  return (find(server.block) ?? find(server.parent?.block))?.args[0] === 'on';
}

/** The first plain name; `www.` for the star of a wildcard when there are only those. */
function serverName(server: Directive): string {
  const names = [...walk(server.block)].filter((directive) => directive.name === 'server_name').flatMap((directive) => directive.args);
  const plain = names.find((name) => /^[^*~$._][^*~$]*$/.test(name));
  if (plain !== undefined) return plain;
  const wildcard = names.find((name) => /^(\*\.|\.)[^*~$]+$|^[^*~$]+\.\*$/.test(name)) ?? '';
  return wildcard.startsWith('.') ? wildcard.slice(1) : wildcard.replace(/^\*/, 'www').replace(/\*$/, 'com');
}
