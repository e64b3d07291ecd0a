// nginx set up for `switch: instant`, as `command: setup` would do it. Node's own modules only: a test compares it with the action's own files.
import { createHash } from 'node:crypto';

/**
 * The managed files, and the lines that a site needs.
 *
 * @param {{ app: string, root: string, ports: [number, number], listen?: 'port' | 'socket' }} options
 * @returns {{ http: string, server: string, proxyPass: string, files: Record<string, string>, probePath: string }} `http` and `server`: the
 *   include lines for each level (`server` is empty with sockets); `files`: their texts, by paths relative to nginx's folder
 */
export function instantFiles({ app, root, ports, listen = 'port' }) {
  const heading = [
    `# ${app}, written by bluegreen-action (command: setup). The switch is the link ${root}/live, which nginx`,
    '# follows by itself. To change something here, change the settings and run setup again.',
  ];
  const text = (lines) => `${lines.join('\n')}\n`;
  const [http, server] = [`bluegreen/${app}-http.conf`, `bluegreen/${app}-server.conf`];
  if (listen === 'socket') {
    const lines = [...heading, `upstream ${app} {`, `    server ${word(`unix:${root}/live/app.sock`)} max_fails=0;`, ...ports.map((port) => `    server 127.0.0.1:${port} backup max_fails=0;`), '}'];
    return { http: `include ${http};`, server: '', proxyPass: `http://${app}`, files: { [http]: text(lines) }, probePath: '' };
  }
  const variable = `$bluegreen_${app.replace(/[^A-Za-z0-9_]/g, '_')}`;
  const upstream = (slot, mine, other) => [
    `upstream ${app}-${slot} {`,
    `    server 127.0.0.1:${mine} max_fails=0;`,
    `    server 127.0.0.1:${other} backup max_fails=0;`,
    '    keepalive 32;',
    '    keepalive_timeout 1s;',
    '}',
  ];
  const httpLines = [...heading, ...upstream('blue', ports[0], ports[1]), ...upstream('green', ports[1], ports[0])];
  const probePath = `/.bluegreen/${app}`;
  const serverLines = (sum) => [
    ...heading,
    'open_file_cache off;',
    'disable_symlinks off;',
    `proxy_redirect http://${app}-blue/ /;`,
    `proxy_redirect http://${app}-green/ /;`,
    `set ${variable} ${app}-blue;`,
    `if (-f ${word(`${root}/live/green`)}) {`,
    `    set ${variable} ${app}-green;`,
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
  const sum = createHash('sha256').update([...httpLines, ...serverLines('')].join('\n')).digest('hex').slice(0, 8);
  return { http: `include ${http};`, server: `include ${server};`, proxyPass: `http://${variable}`, files: { [http]: text(httpLines), [server]: text(serverLines(sum)) }, probePath };
}

/** @param {string} text */
const word = (text) => (/^[A-Za-z0-9._/:@%+=,~-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`);
