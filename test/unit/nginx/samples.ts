import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UpstreamOptions } from '../../../src/nginx/address.js';
import { readConfig, splitDump, type NginxConfig } from '../../../src/nginx/config.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'fixtures');

/** The settings that all samples are read with. */
export const options: UpstreamOptions = { upstream: 'shop', ports: [9501, 9502], isLocal: (address) => address === '192.0.2.10' };

/** What `nginx -T` prints for a whole configuration in one file, by default in /etc/nginx/nginx.conf. */
export function dumpOf(text: string, path = '/etc/nginx/nginx.conf'): string {
  return `# configuration file ${path}:\n${text}\n`;
}

/** The http block and what nginx needs around it. */
export const inHttp = (text: string): NginxConfig => readConfig(dumpOf(`events {}\nhttp {\n${text}\n}\n`));

/** A dump in which the lines of one file end with CRLF. */
function withCrlf(dump: string): string {
  return dumpFrom(new Map([...splitDump(dump)].map(([path, text]) => [path, text.replaceAll('\n', '\r\n')])));
}

/** Puts files together as nginx prints them. */
export function dumpFrom(files: Map<string, string>): string {
  return [...files].map(([path, text]) => dumpOf(text, path)).join('');
}

const fixtures = readdirSync(folder).map((name): [string, string] => [name, readFileSync(join(folder, name), 'utf8')]);

/** Each sample's name and what `nginx -T` prints for it. */
export const samples: [name: string, dump: string][] = [
  ...fixtures,
  ...fixtures.map(([name, dump]): [string, string] => [`${name} with CRLF`, withCrlf(dump)]),
];

export function sample(name: string): string {
  const found = samples.find(([other]) => other === name);
  if (!found) throw new Error(`no sample ${name}`);
  return found[1];
}

/** The problem that a call is refused with, as one text; fails when it throws anything else, or nothing. */
export function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof Error && error.name === 'DeployError' && 'problem' in error) return JSON.stringify(error.problem);
    throw error;
  }
  throw new Error('was not refused');
}
