import { walk, type NginxConfig } from './config.js';
import { atLeast } from './managed.js';

/** The first nginx with `keepalive_min_timeout` (its CHANGES, 05 Feb 2025). */
const SINCE = '1.27.4';

/**
 * Says once how `keepalive_min_timeout` takes the edge off a reload: at the first deploy, and when nginx has become another version. What the
 * directive does: nginx's documentation of ngx_http_core_module.
 *
 * @param versions today's (`1.27.4`; empty when it is not known) and the one at the last switch (empty before the first)
 * @returns no notice where nginx does not know the directive, or the configuration has it
 */
export function keepaliveNotice(config: NginxConfig, versions: { version: string; before: string }): string[] {
  const { version, before } = versions;
  if (!version || !atLeast(version, SINCE) || version === before) return [];
  if ([...walk(config.directives)].some(({ name }) => name === 'keepalive_min_timeout')) return [];
  return [
    `nginx ${version} can lose fewer keep-alive requests at a reload: with \`keepalive_min_timeout 5s;\` in the http block the old workers keep idle connections open for that long, so that a client that is just writing is still served (the step drain then takes that much longer)`,
  ];
}
