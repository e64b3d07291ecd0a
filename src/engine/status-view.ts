import type { LedgerStatus, SlotStatus, Status } from './status.js';
import { fenced } from '../markdown.js';
import { escaped, harmless } from './harmless.js';

/** The widest cell of a slot, and of the ledger, in the log. */
const WIDEST = { slot: 52, ledger: 30 };

/** The status as plain text in aligned columns, for the log. */
export function statusText(status: Status): string {
  const slots = slotRows(status).map(([label, ...cells]) => [label ?? '', ...cells.map((cell) => fitted(cell, WIDEST.slot))]);
  const ledger = ledgerRows(status).map((row) => row.map((cell) => fitted(cell, WIDEST.ledger)));
  const list = (title: string, items: string[]): string => (items.length ? `${title}:\n${items.map((item) => `- ${item}`).join('\n')}` : '');
  const details = status.nginx.problem?.details.split('\n').map((line) => `  ${harmless(line)}`).join('\n');
  return [
    harmless([`${status.app} on ${status.host}`, status.root, status.time && seconds(status.time)].filter(Boolean).join(', ')),
    aligned(slots),
    [...nginxLines(status).map(harmless), details?.trim() && details].filter(Boolean).join('\n'),
    status.run ? `under way: ${harmless(status.run)}` : '',
    list('not as it should be', status.drift.map(({ what, next }) => `${harmless(what)}\n  ${harmless(next)}`)),
    list('the next run would', status.reconcile.map(harmless)),
    isInOrder(status) ? `${harmless(status.root)} is as \`live\` says` : '',
    ledger.length > 1 ? aligned(ledger) : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** The status as Markdown, for the job summary. */
export function statusMarkdown(status: Status): string {
  const list = (title: string, items: string[]): string => (items.length ? `${title}:\n${items.map((item) => `- ${item}`).join('\n')}` : '');
  const details = status.nginx.problem?.details.split('\n').map(harmless).join('\n').trim();
  return [
    table(slotRows(status)),
    nginxLines(status).map(escaped).join('<br>'),
    details ? fenced(details) : '',
    status.run ? `Under way: ${escaped(status.run)}` : '',
    list('Not as it should be', status.drift.map(({ what, next }) => `**${escaped(what)}.** ${escaped(next)}`)),
    list('The next run would', status.reconcile.map(escaped)),
    isInOrder(status) ? `${escaped(status.root)} is as \`live\` says.` : '',
    status.ledger.length ? table(ledgerRows(status)) : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

const isInOrder = ({ live, drift, reconcile, nginx, run }: Status): boolean => live !== null && !drift.length && !reconcile.length && !nginx.problem && !run;

/** A row for each thing to know, a column for each slot. Rows that have nothing to say are left out. */
function slotRows(status: Status): string[][] {
  const { blue, green } = status.slots;
  const both = (show: (slot: SlotStatus) => string): string[] => [show(blue), show(green)];
  const age = (time: string | null | undefined): string => ago(status.time, time);
  const rows: [string, ...string[]][] = [
    ['release', ...both(({ release }) => release ?? 'none yet')],
    ['commit', ...both(({ commit }) => [commit?.sha.slice(0, 7), commit?.subject].filter(Boolean).join(' '))],
    ['author', ...both(({ commit }) => [commit?.author, age(commit?.time)].filter(Boolean).join(', '))],
    ['live for', ...both(({ liveSince }) => age(liveSince).replace(/ ago$/, ''))],
    ['state', ...both(stateOf)],
    ['runs for', ...both(({ runningSince }) => age(runningSince).replace(/ ago$/, ''))],
    ['memory', ...both(memoryOf)],
    ['listens on', ...both(({ listen, port, socket }) => (listen === 'socket' ? (socket ?? 'socket') : `port ${port}`))],
    ['port held by', ...both(({ portHeldBy }) => portHeldBy ?? '')],
    ['supervisor', ...both(({ supervisor }) => supervisor ?? '')],
  ];
  const role = (slot: 'blue' | 'green'): string => (slot === status.live ? ' (live)' : slot === status.standby ? ' (standby)' : '');
  return [['', `blue${role('blue')}`, `green${role('green')}`], ...rows.filter(([, ...cells]) => cells.some(Boolean))];
}

function stateOf({ release, running, healthy, healthStatus }: SlotStatus): string {
  if (!running) return release ? 'does not run' : '';
  return healthy ? `healthy (${healthStatus})` : `runs, not healthy (${healthStatus ?? 'no answer'})`;
}

function memoryOf({ memoryBytes, processes }: SlotStatus): string {
  if (memoryBytes === null) return '';
  const mb = memoryBytes / 1e6;
  return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB${processes ? ` in ${processes} process${processes === 1 ? '' : 'es'}` : ''}`;
}

function nginxLines({ nginx }: Status): string[] {
  const { routesTo, url, status, mode, configured, problem } = nginx;
  const to = routesTo === 'both' ? 'sends requests to both slots' : routesTo ? `sends requests to ${routesTo}` : 'was asked, but it was not seen to which slot it sends requests';
  const says = configured === 'none' ? 'neither slot' : configured === 'both' ? 'both slots' : configured;
  const about = [mode && `switch: ${mode}`, says && `its configuration names ${says}`].filter(Boolean).join('; ');
  return [
    `nginx ${url ? `${to}: ${status ?? 'no answer'} from ${url}` : 'was not asked: no deploy has come to the switch yet'}${about ? ` (${about})` : ''}`,
    ...(problem ? [`nginx: ${problem.what}`, ...problem.next.split('\n')] : []),
  ];
}

function ledgerRows({ ledger }: Status): string[][] {
  const row = ({ ended, command, release, outcome, seconds: took, actor }: LedgerStatus): string[] => [
    ended ? seconds(ended) : '',
    command,
    release,
    outcome,
    took === null ? '' : `${took.toFixed(1)} s`,
    actor,
  ];
  return [['ended', 'command', 'release', 'outcome', 'took', 'by'], ...ledger.map(row)];
}

/** `2026-11-22T10:15:00Z` as people read it. */
const seconds = (time: string): string => time.replace('T', ' ').replace('Z', ' UTC');

/** How long before the look something was: `3 h ago`. Empty when one of the times is not known. */
export function ago(now: string | null, then: string | null | undefined): string {
  if (!now || !then) return '';
  const past = Math.max(0, Math.round((Date.parse(now) - Date.parse(then)) / 1000));
  const [size, unit] = past < 90 ? [1, 's'] : past < 90 * 60 ? [60, 'min'] : past < 48 * 3600 ? [3600, 'h'] : [86_400, 'd'];
  return `${Math.round(past / size)} ${unit} ago`;
}

function aligned(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))));
  return rows.map((row) => row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('  ').trimEnd()).join('\n');
}

/** How many columns of a terminal a text takes: one for most characters, two for those of East Asia and emoji. */
const width = (text: string): number => [...text].reduce((sum, one) => sum + columns(one), 0);

const columns = (one: string): number =>
  /\p{M}/u.test(one) ? 0 : /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u.test(one) ? 2 : 1;

/** A harmless text of at most so many columns. */
function fitted(text: string, widest: number): string {
  const line = harmless(text);
  if (width(line) <= widest) return line;
  let kept = '';
  for (const one of line) {
    if (width(kept) + columns(one) > widest - 1) break;
    kept += one;
  }
  return `${kept}…`;
}

function table([head = [], ...rows]: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head.map(escaped)), line(head.map(() => '---')), ...rows.map((row) => line(row.map(escaped)))].join('\n');
}
