/**
 * A value that nginx was compiled with (`--pid-path=…`), or undefined. Only the line of configure arguments counts, and
 * not what stands within quotes there: compilers' options look alike.
 */
export function compiled(nginxV: string | undefined, option: string): string | undefined {
  const line = /^configure arguments:(.*)$/m.exec(nginxV ?? '')?.[1] ?? '';
  for (const match of line.matchAll(/(?:[^\s']|'[^']*')+/g)) {
    const [name, ...value] = match[0].split('=');
    if (name === `--${option}`) return value.join('=').replaceAll("'", '');
  }
  return undefined;
}

/** A path of the configuration as an absolute one: others than includes are relative to `--prefix`. */
export function workingPath(path: string, nginxV: string | undefined): string {
  if (path.startsWith('/')) return path;
  // nginx's own default, auto/options in its sources.
  const prefix = compiled(nginxV, 'prefix') ?? '/usr/local/nginx';
  return `${prefix.replace(/\/+$/, '')}/${path}`;
}
