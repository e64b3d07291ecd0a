import { dirname } from 'node:path';
import { readConfig, type NginxConfig } from '../../../src/nginx/config.js';
import { managedFiles, type Managed, type ManagedOptions } from '../../../src/nginx/managed.js';
import { readInstant, type InstantFacts } from '../../../src/nginx/instant.js';
import type { InstantOptions } from '../../../src/nginx/trap.js';
import { dumpFrom } from './samples.js';

/** The settings that the configurations are read with. */
export const readOptions: InstantOptions = { upstream: 'shop', ports: [9501, 9502], isLocal: () => false, root: '/srv/shop', curl: true };

const main = '/etc/nginx/nginx.conf';

/** The managed files of the app `shop`. */
export const managedShop = (changes: Partial<ManagedOptions> = {}): Managed =>
  managedFiles({ app: 'shop', upstream: 'shop', root: '/srv/shop', ports: [9501, 9502], listen: 'port', folder: dirname(main), version: '1.22.1', ...changes });

/** What `nginx -T` prints with this http block, and with the managed files that it includes. */
export function configWith(http: string, more: Record<string, string> = {}, managed = managedShop()): NginxConfig {
  const files = new Map([[main, `events {}\nhttp {\n${http}\n}\n`]]);
  for (const file of [managed.http, managed.server]) if (file && http.includes(file.include)) files.set(file.path, file.text);
  for (const [path, text] of Object.entries(more)) files.set(path, text);
  return readConfig(dumpFrom(files));
}

export const read = (http: string, more: Record<string, string> = {}, managed = managedShop(), options = readOptions): InstantFacts =>
  readInstant(configWith(http, more, managed), managed, options);

/** `file:line: what`, for each. */
export const brief = (traps: InstantFacts['traps']): string[] => traps.map(({ file, line, what }) => `${file.replace('/etc/nginx/', '')}:${line}: ${what}`);

/** A site that is set up; the text takes the place of its location. */
export const site = (location = 'location / { proxy_pass http://$bluegreen_shop; proxy_set_header Host $host; }', before = ''): string =>
  `include bluegreen/shop-http.conf;\nserver {\n${before}include bluegreen/shop-server.conf;\nlisten 80;\n${location}\n}`;
