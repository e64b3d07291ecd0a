import type { NginxConfig } from './config.js';
import { parseFile, type Statement } from './parser.js';

/** The `include` lines that name exactly this file, wherever they stand. */
export function includesOf(config: NginxConfig, path: string): Statement[] {
  const folder = config.main.slice(0, config.main.lastIndexOf('/') + 1);
  const found: Statement[] = [];
  const look = (statements: Statement[]): void => {
    for (const one of statements) {
      const target = one.args[0] ?? '';
      if (one.name === 'include' && !one.block && (target.startsWith('/') ? target : folder + target) === path) found.push(one);
      if (one.block) look(one.block);
    }
  };
  for (const [file, text] of config.files) if (text.includes('include')) look(parseFile(file, text));
  return found;
}
