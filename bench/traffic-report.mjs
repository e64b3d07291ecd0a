// From what the visitors saw to results, targets and tables. Node's own modules only.
import { median } from './report.mjs';

/** @typedef {import('../testbed/load.mjs').Counts} Counts */
/** @typedef {import('./traffic-modes.mjs').Switched} Switched */

const limits = { rollbackMs: 1000, onHostMs: 10 };
/** What has to end well if it ends inside the limit. */
const longKinds = ['long', 'stream', 'upload', 'events', 'WebSocket'];

/**
 * One mode's result, as it goes to traffic.json.
 *
 * @param {Counts} counts at the end
 * @param {{ deploys: Switched[], rollbacks: Switched[], calm: Switched[] }} done `calm`: rollbacks without any load, which are the `rollbackMs`
 */
export function resultOf(counts, { deploys, rollbacks, calm }) {
  const { figures } = counts;
  const all = [...deploys, ...rollbacks];
  const firsts = figures.firstAnswerMs.filter((ms) => ms !== null);
  const onHost = all.flatMap(({ onHostMs }) => (onHostMs === undefined ? [] : [onHostMs]));
  return {
    switches: all.length,
    deploys: deploys.length,
    rollbacks: rollbacks.length,
    requests: counts.served + counts.failed,
    failed: counts.failed,
    failedBy: counts.failedBy,
    keepaliveCloses: counts.keepaliveCloses,
    cutAtLimit: counts.cutAtLimit,
    requestsPerSecond: Math.round(((counts.served + counts.failed) / counts.ms) * 1000),
    kinds: counts.kinds,
    acrossSwitches: figures.across,
    echoes: counts.echoes,
    p99SwitchMs: figures.p99SwitchMs,
    p99Ms: figures.p99Ms,
    worstSwitchMs: figures.worstSwitchMs,
    worstMs: figures.worstMs,
    medianSwitchMs: figures.medianSwitchMs,
    medianMs: figures.medianMs,
    firstAnswerMs: middle(firsts),
    firstAnswerWorstMs: worst(firsts),
    staleAnswers: figures.staleAnswers,
    staleMs: figures.staleMs,
    earlyAnswers: Object.values(figures.earlyAnswers).reduce((sum, count) => sum + count, 0),
    earlyBy: figures.earlyAnswers,
    deployMs: middle(deploys.map(({ ms }) => ms)),
    rollbackMs: middle(calm.map(({ ms }) => ms)),
    rollbackWorstMs: worst(calm.map(({ ms }) => ms)),
    rollbackLoadMs: middle(rollbacks.map(({ ms }) => ms)),
    rollbackLoadWorstMs: worst(rollbacks.map(({ ms }) => ms)),
    switchOnHostCalmMs: middle(calm.flatMap(({ onHostMs }) => (onHostMs === undefined ? [] : [onHostMs]))),
    switchOnHostMs: middle(onHost),
    switchOnHostWorstMs: worst(onHost),
  };
}

const middle = (values) => (values.length ? Math.round(median(values) * 10) / 10 : null);
const worst = (values) => (values.length ? Math.round(Math.max(...values) * 10) / 10 : null);

/** The first failures, with what may lead to their cause. @param {Counts} counts @param {number} most */
export function failureLines({ failures, failed }, most) {
  const lines = failures.slice(0, most).map(({ at, visitor, kind, what, asked, version, connectionMs, answeredBefore, nearestSwitchMs }) => {
    const near = nearestSwitchMs === undefined ? '' : `, ${Math.abs(nearestSwitchMs)} ms ${nearestSwitchMs < 0 ? 'before' : 'after'} a switch`;
    return `failed at ${(at / 1000).toFixed(2)} s${near}: ${visitor}: ${kind}: ${what}; asked ${asked}${version && ` of ${version}`}, connection ${connectionMs} ms old, ${answeredBefore} answers before`;
  });
  return failed > lines.length ? [...lines, `and ${failed - lines.length} more`] : lines;
}

/** @param {Record<string, ReturnType<typeof resultOf>>} results */
export function resultsTable(results) {
  const all = Object.values(results);
  const row = (name, value) => [name, ...all.map((one) => text(value(one)))];
  const kinds = [...new Set(all.flatMap((one) => Object.keys(one.kinds)))].filter((kind) => kind !== 'short');
  const causes = [...new Set(all.flatMap((one) => Object.keys(one.failedBy)))];
  return table(
    ['under traffic', ...Object.keys(results)],
    [
      row('switches', (one) => `${one.switches} (${one.rollbacks} back)`),
      row('requests', (one) => one.requests),
      row('  a second', (one) => one.requestsPerSecond),
      row('failed', (one) => one.failed),
      ...causes.map((cause) => row(`  ${cause}`, (one) => one.failedBy[cause] ?? 0)),
      row('keep-alive closes by nginx, asked again', (one) => one.keepaliveCloses),
      row('without end, cut at the limit', (one) => one.cutAtLimit),
      ...kinds.map((kind) => row(`${kind}, ended well (across a switch)`, (one) => (one.kinds[kind] ? `${one.kinds[kind].served} of ${one.kinds[kind].served + one.kinds[kind].failed} (${one.acrossSwitches[kind] ?? 0})` : '-'))),
      row('WebSocket messages that came back', (one) => one.echoes),
      row('p99 in the second of a switch, ms', (one) => one.p99SwitchMs),
      row('p99 in the others, ms', (one) => one.p99Ms),
      row('worst in the second of a switch, ms', (one) => one.worstSwitchMs),
      row('worst in the others, ms', (one) => one.worstMs),
      row('switch to first answer of the new release, ms', (one) => one.firstAnswerMs),
      row('  worst', (one) => one.firstAnswerWorstMs),
      row('requests after a switch that the old one got', (one) => one.staleAnswers),
      row('  the last of them after the switch, ms', (one) => one.staleMs),
      row('answers of a release before its switch', (one) => one.earlyAnswers),
      row('deploy, start to exit, ms', (one) => one.deployMs),
      row('rollback, start to exit, ms', (one) => one.rollbackLoadMs),
      row('  worst', (one) => one.rollbackLoadWorstMs),
      row('  without any load', (one) => one.rollbackMs),
      row('  without any load, worst', (one) => one.rollbackWorstMs),
      row('the switch itself on the host, ms', (one) => one.switchOnHostMs),
      row('  worst', (one) => one.switchOnHostWorstMs),
      row('  without any load', (one) => one.switchOnHostCalmMs),
    ],
  );
}

/**
 * @param {Record<string, ReturnType<typeof resultOf>>} results
 * @param {{ deploys: number, rollbacks: number, requests: number }} asked
 * @returns {{ name: string, wanted: string, measured: string, met: boolean }[]}
 */
export function targets({ instant, socket, reload }, asked) {
  const target = (name, wanted, measured, met) => ({ name, wanted, measured: text(measured), met });
  const runs = (name, one) => target(`${name}: deploys and rollbacks`, `${asked.deploys} and ${asked.rollbacks}`, `${one.deploys} and ${one.rollbacks}`, one.deploys >= asked.deploys && one.rollbacks >= asked.rollbacks);
  const longOnes = (one) => longKinds.reduce((sum, kind) => sum + (one.kinds[kind]?.failed ?? 0), 0);
  const endedWell = (one) => longKinds.every((kind) => one.acrossSwitches[kind] > 0) && longOnes(one) === 0;
  return [
    ...(instant
      ? [
          runs('instant', instant),
          target('instant: requests', `at least ${asked.requests}`, instant.requests, instant.requests >= asked.requests),
          target('instant: failed', '0', instant.failed, instant.failed === 0),
          target('instant: keep-alive closes', '0', instant.keepaliveCloses, instant.keepaliveCloses === 0),
          target('instant: long ones inside the limit that failed', '0', longOnes(instant), endedWell(instant)),
          ...(instant.rollbackMs ? [target('instant: rollback with a standby, without load, ms', `under ${limits.rollbackMs}`, instant.rollbackMs, instant.rollbackMs < limits.rollbackMs)] : []),
          ...(instant.switchOnHostCalmMs ? [target('instant: the switch itself on the host, without load, ms', `under ${limits.onHostMs}`, instant.switchOnHostCalmMs, instant.switchOnHostCalmMs < limits.onHostMs)] : []),
        ]
      : []),
    ...(socket ? [runs('socket', socket), target('socket: failed', '0', socket.failed, socket.failed === 0), target('socket: keep-alive closes', '0', socket.keepaliveCloses, socket.keepaliveCloses === 0)] : []),
    ...(reload
      ? [
          runs('reload', reload),
          target('reload: failed, keep-alive closes apart', '0', reload.failed, reload.failed === 0),
          target('reload: long ones inside the limit that failed', '0', longOnes(reload), endedWell(reload)),
        ]
      : []),
  ];
}

/**
 * What the README shows of traffic.json.
 *
 * @param {Record<string, ReturnType<typeof resultOf>>} results
 */
export function readmeTraffic({ instant, reload, naive }) {
  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');
  const count = (one, value) => (one === instant ? `**${number(value)}**` : number(value));
  const names = [
    ['`switch: instant`', instant],
    ['`switch: reload`', reload],
    ['the usual script: port replaced, reload, old app stopped at once', naive],
  ];
  const rows = names.map(
    ([name, one]) => `| ${name} | ${number(one.requests)} | ${count(one, one.failed)} | ${count(one, one.keepaliveCloses)} | ${Math.round(one.p99SwitchMs)} ms (${Math.round(one.p99Ms)} ms) |`,
  );
  const kinds = longKinds.map((kind) => instant.acrossSwitches[kind] ?? 0);
  return [
    '| | requests | failed | refused on a kept connection | p99 in the second of a switch (in the others) |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    `${instant.deploys} deploys and ${instant.rollbacks} rollbacks in each row, ${number(instant.requestsPerSecond)} requests a second, all on one machine with 2 cores (\`npm run bench:traffic\`, [bench/traffic.json](bench/traffic.json)).`,
    `Among them are ${kinds[0]} long requests, ${kinds[1]} streamed answers, ${kinds[2]} uploads, ${kinds[3]} event streams and ${kinds[4]} WebSockets that were open while \`instant\` switched. *Refused on a kept connection*: nginx closed it just as the visitor`,
    `was asking again. A rollback to a standby took ${(instant.rollbackMs / 1000).toFixed(2)} s from the start of the process to its exit (at worst ${(instant.rollbackWorstMs / 1000).toFixed(2)} s), and the switch itself ${instant.switchOnHostCalmMs.toFixed(1)} ms on the host, both without that load; with it ${(instant.rollbackLoadMs / 1000).toFixed(2)} s (${(instant.rollbackLoadWorstMs / 1000).toFixed(2)} s) and ${instant.switchOnHostMs.toFixed(1)} ms (${instant.switchOnHostWorstMs.toFixed(1)} ms). These are medians.`,
  ].join('\n');
}

/** @param {ReturnType<typeof targets>} wanted */
export function targetsTable(wanted) {
  return table(['target', 'wanted', 'measured', 'met'], wanted.map(({ name, wanted: want, measured, met }) => [name, want, measured, met ? 'yes' : 'NO']));
}

const text = (value) => (value === null || value === undefined ? '-' : String(value));

function table(head, rows) {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells) => `  ${cells.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()}`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
