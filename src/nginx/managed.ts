import { createHash } from 'node:crypto';
import { DeployError } from '../errors.js';
import type { Slot } from './upstream.js';

/** What the files for `switch: instant` depend on. */
export interface ManagedOptions {
  app: string;
  /** The setting `nginx-upstream`. */
  upstream: string;
  /** The app's folder, with the link `live` in it. */
  root: string;
  /** The ports of blue and green, as they are in force. */
  ports: readonly [number, number];
  listen: 'port' | 'socket';
  /** The folder of nginx's main configuration file. */
  folder: string;
  /** nginx's version, such as `1.22.1`; empty when it is not known. */
  version: string;
}

/** A file of nginx's configuration that is written by `command: setup` and by nobody else. */
export interface ManagedFile {
  path: string;
  text: string;
  /** The line that includes it, as the configuration has it. */
  include: string;
}

/** All that makes nginx follow the link `live` by itself. */
export interface Managed {
  /** To be included at the level of `http`: the upstreams. */
  http: ManagedFile;
  /** To be included in each server block that leads to the app; undefined with sockets, where the link is in the upstream's path. */
  server: ManagedFile | undefined;
  /** The upstreams' names. */
  upstreams: string[];
  /** What `proxy_pass` has to name: `http://$bluegreen_shop`, or `http://shop` with sockets. */
  proxyPass: string;
  /** The variable with the name of the live slot's upstream, such as `$bluegreen_shop`; empty with sockets. */
  variable: string;
  /** The path that tells what the running nginx does, to the host itself only; empty with sockets. */
  probePath: string;
  /** What it answers while that slot is live, by the files as they are here: without the line end. */
  probeAnswers: Record<Slot, string>;
}

/**
 * Can nginx follow `live` in this folder?
 *
 * @throws DeployError when the root's path cannot stand in nginx's configuration
 */
export function checkRoot(root: string): void {
  const why = rootProblem(root);
  if (why) throw new DeployError({ what: why, next: 'Choose another root, or set switch: reload.', settings: ['root', 'switch'] });
}

/** Why nginx cannot follow `live` in this folder; '' when it can. */
export function rootProblem(root: string): string {
  return root.includes('$') ? `the folder ${root} has a "$" in its path, which nginx takes for a variable` : '';
}

/** The files of `switch: instant`: a pure function, so that survey can compare them with what is there. For a root that checkRoot takes. */
export function managedFiles(options: ManagedOptions): Managed {
  return options.listen === 'socket' ? forSocket(options) : forPorts(options);
}

function forPorts(options: ManagedOptions): Managed {
  const { app, upstream, root, ports } = options;
  const [blue, green] = [`${upstream}-blue`, `${upstream}-green`];
  // Prefixed, since `$host` or `$args` are nginx's own; a variable's name has no `-` and no `.`.
  const variable = `$bluegreen_${app.replace(/[^A-Za-z0-9_]/g, '_')}`;
  const pool = atLeast(options.version, '1.15.3') ? ['    keepalive 32;', '    keepalive_timeout 1s;'] : [];
  const block = (name: string, mine: number, other: number) => [
    `upstream ${name} {`,
    `    server 127.0.0.1:${mine} max_fails=0;`,
    // Saves what nginx had assigned to a slot that was stopped meanwhile: an upload is read first, and sent then.
    `    server 127.0.0.1:${other} backup max_fails=0;`,
    ...pool,
    '}',
  ];
  const http = [...heading(options), ...block(blue, ports[0], ports[1]), ...block(green, ports[1], ports[0])];
  const probePath = `/.bluegreen/${app}`;
  const server = (sum: string) => [
    ...heading(options),
    'open_file_cache off;',
    'disable_symlinks off;',
    `proxy_redirect http://${blue}/ /;`,
    `proxy_redirect http://${green}/ /;`,
    `set ${variable} ${blue};`,
    `if (-f ${nginxWord(`${root}/live/green`)}) {`,
    `    set ${variable} ${green};`,
    '}',
    '# Which slot nginx uses: asked by each deploy, and told to this host only.',
    `location = ${probePath} {`,
    `    set ${variable}_from "$remote_addr $server_addr";`,
    `    if (${variable}_from !~ "^(?:127[.]|::1 |unix:|(\\S+) \\1$)") {`,
    '        return 404;',
    '    }',
    '    default_type text/plain;',
    `    return 200 "${app} ${variable} ${sum}\\n";`,
    '}',
  ];
  const sum = createHash('sha256').update([...http, ...server('')].join('\n')).digest('hex').slice(0, 8);
  return {
    http: file(options, 'http', http),
    server: file(options, 'server', server(sum)),
    upstreams: [blue, green],
    proxyPass: `http://${variable}`,
    variable,
    probePath,
    probeAnswers: { blue: `${app} ${blue} ${sum}`, green: `${app} ${green} ${sum}` },
  };
}

/** The address of the live slot's socket, as an upstream has it. */
export const socketLink = (root: string): string => `unix:${root}/live/app.sock`;

/** nginx resolves the link at each connection. No pool: its connections would stay with the old slot. */
function forSocket(options: ManagedOptions): Managed {
  const { upstream, root, ports, version } = options;
  const lines = [
    ...heading(options),
    `upstream ${upstream} {`,
    `    server ${nginxWord(socketLink(root))} max_fails=0;`,
    // A release from before the socket goes on serving until the next deploy.
    ...ports.map((port) => `    server 127.0.0.1:${port} backup max_fails=0;`),
    // Pooling became the default then.
    ...(atLeast(version, '1.29.7') ? ['    keepalive 0;'] : []),
    '}',
  ];
  return {
    http: file(options, 'http', lines),
    server: undefined,
    upstreams: [upstream],
    proxyPass: `http://${upstream}`,
    variable: '',
    probePath: '',
    probeAnswers: { blue: '', green: '' },
  };
}

function heading({ app, root }: ManagedOptions): string[] {
  return [
    `# ${app}, written by bluegreen-action (command: setup). The switch is the link ${root}/live, which nginx`,
    '# follows by itself. To change something here, change the settings and run setup again.',
  ];
}

function file({ app, folder }: ManagedOptions, kind: 'http' | 'server', lines: string[]): ManagedFile {
  return { path: `${folder}/bluegreen/${app}-${kind}.conf`, text: `${lines.join('\n')}\n`, include: `include bluegreen/${app}-${kind}.conf;` };
}

/** A word of nginx's configuration, in quotes where it needs them. */
function nginxWord(text: string): string {
  return /^[A-Za-z0-9._/:@%+=,~-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Whether a version such as `1.27.4` is that one or a later one; an unknown one is taken for a late one. */
export function atLeast(version: string, least: string): boolean {
  if (!/^\d/.test(version)) return true;
  const [have, want] = [version, least].map((text) => text.split('.').map((part) => parseInt(part, 10) || 0));
  for (let at = 0; at < 3; at++) {
    const [one = 0, other = 0] = [have?.[at], want?.[at]];
    if (one !== other) return one > other;
  }
  return true;
}
