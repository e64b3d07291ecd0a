import { cksum } from '../../host/cksum.js';
import { quote } from '../../host/quote.js';
import type { Route } from '../../nginx/routes.js';
import type { FileWrite, SetupPlan } from '../../nginx/setup.js';
import type { Settings } from '../../settings/settings.js';
import type { Facts } from '../facts.js';
import type { Step } from './step.js';

/** Writes nginx's files, tests them, reloads once and asks, else puts all back. Undefined when the user may not, and there is something to write. */
export function setupStep(settings: Settings, facts: Facts, { writes, probes, visits }: SetupPlan): Step | undefined {
  if (!facts.root && writes.length) return undefined;
  return {
    name: 'setup',
    does: `nginx: write ${[...new Set(writes.map(({ file }) => file))].join(', ') || 'nothing'}, nginx -t, reload, ask`,
    script: [
      call('bg_setup_writes', writes.map(writeWords)),
      call('bg_setup_probes', probes.map(questionWords)),
      call('bg_setup_visits', visits.map(questionWords)),
      'bg_step_setup',
    ].join('\n'),
    limitMs: settings.lockTimeout + 4 * settings.switchTimeout + 60_000,
    onFailure: 'back',
    needs: '',
  };
}

/** A function that calls its argument once for each line of words. */
function call(name: string, lines: string[][]): string {
  return [`${name}() {`, '  :', ...lines.map((words) => `  "$1" ${words.map(quote).join(' ')}`), '}'].join('\n');
}

/** The file, its checksum as it was read and as it has to be, then its whole text, or first line, last line and new text of each change. */
function writeWords({ file, before, after, hunks }: FileWrite): string[] {
  const changes = hunks?.flatMap(({ from, to, text }) => [String(from), String(to), text]) ?? [after];
  return [file, before === undefined ? '' : cksum(before), cksum(after), ...changes];
}

/** The address to ask, where to connect, the PROXY protocol, the server block. */
function questionWords(route: Route): string[] {
  const usual = route.scheme === 'https' ? 443 : 80;
  const port = route.port === usual ? '' : `:${route.port}`;
  const url = `${route.scheme}://${route.serverName || route.connectTo}${port}${route.path}`;
  return [url, `${route.connectTo}:${route.port}`, route.proxyProtocol ? 'yes' : '', `${route.file}:${route.line}`];
}
