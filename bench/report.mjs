// From measurements to medians, targets and tables. Node's own modules only.

/**
 * @typedef {{ tool: string, rttMs: number, ms: number, execs: number, roundTrips: number | null, steps?: { name: string, ms: number }[], loadMs?: number, runMs?: number }} Sample
 * @typedef {{ tool: string, rttMs: number, medianS: number, minS: number, maxS: number, ratioToCapistrano: number, execs: number, roundTrips: number | null, rounds: number,
 *   partsMs?: Record<string, number>, memory?: import('./memory.mjs').Memory }} Result
 */

const tools = ['bluegreen', 'capistrano', 'floor'];
const targets = { ratio: { 0: 0.5, 50: 0.4 }, execs: 1, roundTrips: 2, actionMB: 150, agentMB: 10 };

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One result for each tool and line. @param {Sample[]} samples @returns {Result[]} */
export function results(samples) {
  const lines = [...new Set(samples.map(({ rttMs }) => rttMs))];
  return lines.flatMap((rttMs) => tools.map((tool) => resultOf(samples, tool, rttMs)));
}

function resultOf(samples, tool, rttMs) {
  const of = (name) => samples.filter((sample) => sample.tool === name && sample.rttMs === rttMs);
  const own = of(tool);
  const times = own.map(({ ms }) => ms / 1000);
  // The protocol does not depend on the line's length: what was counted on the long one holds for the short one.
  const counted = samples.flatMap((sample) => (sample.tool === tool && sample.roundTrips !== null ? [sample.roundTrips] : []));
  return {
    tool,
    rttMs,
    medianS: round(median(times), 3),
    minS: round(Math.min(...times), 3),
    maxS: round(Math.max(...times), 3),
    ratioToCapistrano: round(median(times) / median(of('capistrano').map(({ ms }) => ms / 1000)), 3),
    execs: Math.max(...own.map(({ execs }) => execs)),
    roundTrips: counted.length > 0 ? Math.round(median(counted)) : null,
    rounds: own.length,
    ...(own[0]?.steps ? { partsMs: parts(own) } : {}),
  };
}

/** Where the time of a deploy goes: medians in milliseconds, in the order of what happens. The steps are timed by the host. */
function parts(samples) {
  const middle = (value) => Math.round(median(samples.map(value)));
  const step = (name) => middle(({ steps }) => steps.find((one) => one.name === name)?.ms ?? 0);
  const inSteps = ({ steps }) => steps.reduce((sum, { ms }) => sum + ms, 0);
  return {
    'start of the process': middle(({ loadMs }) => loadMs),
    ...Object.fromEntries(samples[0].steps.map(({ name }) => [name, step(name)])),
    'between the steps': middle((sample) => sample.runMs - inSteps(sample)),
    'settings, reports, exit': middle(({ ms, loadMs, runMs }) => ms - loadMs - runMs),
  };
}

/** @param {Result[]} all */
export function timesTable(all) {
  const rows = all.map((one) => [
    `${one.rttMs} ms`,
    one.tool,
    one.medianS.toFixed(2),
    `${one.minS.toFixed(2)} to ${one.maxS.toFixed(2)}`,
    one.ratioToCapistrano.toFixed(2),
    String(one.execs),
    one.roundTrips === null ? '-' : String(one.roundTrips),
  ]);
  return table(['round trip', 'tool', 'median s', 'range s', 'to Capistrano', 'execs', 'requests after the exec'], rows);
}

/** @param {Result[]} all */
export function partsTable(all) {
  const own = all.filter(({ partsMs }) => partsMs);
  const names = [...new Set(own.flatMap(({ partsMs }) => Object.keys(partsMs)))];
  return table(['bluegreen, median ms', ...own.map(({ rttMs }) => `at ${rttMs} ms`)], names.map((name) => [name, ...own.map(({ partsMs }) => String(partsMs[name] ?? '-'))]));
}

/** @param {Result[]} all @param {import('./memory.mjs').Memory} memory */
export function targetsTable(all, memory) {
  const own = all.filter(({ tool }) => tool === 'bluegreen');
  const rows = own.flatMap(({ rttMs, ratioToCapistrano }) =>
    targets.ratio[rttMs] === undefined ? [] : [target(`time to Capistrano's at ${rttMs} ms`, ratioToCapistrano, targets.ratio[rttMs])],
  );
  rows.push(
    target('SSH execs', Math.max(...own.map(({ execs }) => execs)), targets.execs),
    target('requests after the exec', own[0]?.roundTrips ?? Infinity, targets.roundTrips),
    target("action's peak memory, MiB", memory.actionPeakMB, targets.actionMB),
    target("agent's peak memory, MiB", memory.agentPeakMB, targets.agentMB),
  );
  return table(['target', 'at most', 'measured', 'reached'], rows);
}

const target = (name, measured, most) => [name, String(most), String(measured), measured <= most ? 'yes' : 'no'];

const round = (value, digits) => Number(value.toFixed(digits));

function table(head, rows) {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells) => `  ${cells.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()}`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
