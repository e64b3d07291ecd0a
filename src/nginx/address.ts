/** The settings that say which lines of the configuration are ours. */
export interface UpstreamOptions {
  /** The name of the app's upstream: the setting `nginx-upstream`. */
  upstream: string;
  /** The ports of blue and green: the setting `ports`. */
  ports: [number, number];
  /** Whether an IP address (no brackets) or a host name is this machine, beyond the loopback addresses. */
  isLocal: (address: string) => boolean;
}

/** An address as nginx writes it. IPv6 keeps its brackets; `port` is undefined where none is written. */
export interface Address {
  host: string;
  port: number | undefined;
}

/** Where a `*_pass` leads: an address or an upstream's name, and the URI part as far as there is one. */
export interface Target extends Address {
  /** `http`, `https`, `grpc`, …; empty when none is written. */
  scheme: string;
  /** What follows the address, undefined when nothing does. */
  uri: string | undefined;
}

const HOST = String.raw`\[[0-9A-Fa-f:.%]+\]|[^\s:/?$\[\]]+`;
const ADDRESS = new RegExp(`^(${HOST})(?::([0-9]{1,9}))?$`);
const TARGET = new RegExp(`^(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(${HOST})(?::([0-9]{1,9}))?(?=$|[/?$])(.*)$`, 's');

/** `host`, `host:port`, `[v6]:port`; undefined for a Unix socket or anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  if (!match || /^unix:/i.test(text)) return undefined;
  return { host: match[1] ?? '', port: match[2] === undefined ? undefined : Number(match[2]) };
}

/** The argument of a `*_pass` directive; undefined for a Unix socket, or when the host is a variable. */
export function parseTarget(text: string): Target | undefined {
  const match = TARGET.exec(text);
  if (!match || /^([a-z]+:\/\/)?unix:/i.test(text)) return undefined;
  return {
    scheme: (match[1] ?? '').toLowerCase(),
    host: match[2] ?? '',
    port: match[3] === undefined ? undefined : Number(match[3]),
    uri: match[4] || undefined,
  };
}

const LOOPBACK = /^(127(\.\d{1,3}){1,3}|localhost\.?|0\.0\.0\.0|::|::1|(0{1,4}:){7}0{0,3}[01]|::ffff:127(\.\d{1,3}){3})$/i;

/** Whether nginx, connecting to this host, reaches the machine that it runs on. */
export function isThisMachine(host: string, isLocal: (address: string) => boolean): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  return LOOPBACK.test(plain) || isLocal(plain);
}
