import type { Directive } from './config.js';
import { parseAddress } from './address.js';

/** One `listen` of a server block. */
export interface Listener {
  directive: Directive | undefined;
  /** As written, IPv6 in brackets; `0.0.0.0` for a wildcard. */
  host: string;
  port: number;
  /** The last port of a range; `port` for a single one. */
  lastPort: number;
  ssl: boolean;
  proxyProtocol: boolean;
  /** Says `default_server` (or the old `default`). */
  isDefault: boolean;
  /** Over UDP: `quic` or `udp`. */
  udp: boolean;
}

const IMPLICIT: Listener = { directive: undefined, host: '0.0.0.0', port: 80, lastPort: 80, ssl: false, proxyProtocol: false, isDefault: false, udp: false };

/** Reads a `listen`: `80`, `*:80`, `127.0.0.1`, `[::]:443`, `8000-8010`; undefined for a Unix socket. */
export function parseListen(directive: Directive): Listener | undefined {
  const [text = '', ...parameters] = directive.args;
  const range = /^(.*?)([0-9]{1,9})-([0-9]{1,9})$/.exec(text);
  const single = range ? `${range[1]}${range[2]}` : text;
  const address = /^[0-9]{1,9}$/.test(single) ? { host: '*', port: Number(single) } : parseAddress(single);
  if (!address) return undefined;
  const port = address.port ?? 80;
  return {
    directive,
    host: address.host === '*' ? '0.0.0.0' : address.host,
    port,
    lastPort: range ? Number(range[3]) : port,
    ssl: parameters.includes('ssl'),
    proxyProtocol: parameters.includes('proxy_protocol'),
    isDefault: parameters.includes('default_server') || parameters.includes('default'),
    udp: parameters.includes('quic') || parameters.includes('udp'),
  };
}

/** The listeners of an http server block; without any `listen`, nginx (as root) listens on port 80. Sockets are left out. */
export function listenersOf(server: Directive): Listener[] {
  const listens = (server.block ?? []).filter((directive) => directive.name === 'listen');
  if (listens.length === 0) return [IMPLICIT];
  return listens.map(parseListen).filter((listener) => listener !== undefined);
}

/** Server blocks that listen on the same address and port share one socket, and with it its ssl and proxy_protocol. */
export const socketOf = (listener: Listener): string => `${listener.host.toLowerCase()}:${listener.port}`;
