// Which cells there are, and how each has to end.

/** The moments of a deploy, in order. From the switch on a run finishes; once the old slot is stopped, the new one is alone. */
const before = [
  'connect', 'lock', 'reconcile', 'survey', 'plan', 'clone', 'clone-fetched', 'clone-made', 'install', 'install-run', 'start', 'start-written', 'start-run', 'start-done', 'health', 'before-switch', 'before-run',
];
const during = ['switch', 'switch-unproved', 'switch-intent', 'switch-file', 'switch-tested', 'switch-link', 'switch-live', 'switch-reloaded', 'switch-done'];
const after = ['verify', 'after-switch', 'after-run', 'drain', 'stop', 'stop-done', 'prune', 'prune-removed', 'ledger', 'ledger-written'];

export const points = [...before, ...during, ...after];
const at = (name) => points.indexOf(name);

/** @param {string} point */
export const momentOf = (point) => ({ final: at(point) >= at('switch'), alone: at(point) >= at('stop-done') });

/** Points of the agent itself, where there is no step's process that could fail. */
export const ofAgent = ['connect', 'lock-wait', 'lock', 'plan', 'ledger', 'ledger-written'];

const isBefore = (point, other) => at(point) < at(other);

/** How each death has to end, wherever it comes: the promise. */
const promises = {
  cancelled: (point) => (isBefore(point, 'switch') ? 'aborted' : 'finished'),
  // Nobody is there who could begin anew before there is a connection; connecting is tried again.
  lineLost: (point) => (point === 'connect' ? 'finished' : isBefore(point, 'switch') ? 'begun anew' : 'finished'),
  agentDied: (point) => (isBefore(point, 'switch-live') ? 'begun anew' : 'finished'),
  // With the new app dead too, the old one gets the traffic back; without an old one the app that is live is left alone.
  allDied: (point) => (isBefore(point, 'stop-done') ? 'begun anew' : 'finished'),
  appDied: (point) => (isBefore(point, 'switch-unproved') ? 'aborted' : 'switched back'),
  stepFailed(point) {
    if (isBefore(point, 'switch-live')) return 'aborted';
    // What comes after the proof warns, but for drain: as long as the old slot runs, there is a way back.
    return isBefore(point, 'after-switch') || point === 'drain' ? 'switched back' : 'finished';
  },
};

const steps = points.filter((point) => !ofAgent.includes(point));
const agentRuns = points.filter((point) => point !== 'connect');

/** @returns {import('./cell.mjs').Cell[]} */
export function allCells() {
  const cells = [];
  const add = (death, where, expected, bed = 'reload') => cells.push(...where.map((point) => ({ bed, point, death, expected: typeof expected === 'function' ? expected(point) : expected })));
  for (const death of ['sigint', 'sigterm', 'sigkill']) add(death, ['lock-wait', ...points], promises.cancelled);
  for (const death of ['cut', 'frozen']) add(death, ['lock-wait', ...points], promises.lineLost);
  add('agent', agentRuns, promises.agentDied);
  // The step that lost its agent goes on until the next one ends it: either way is sound.
  add('orphan', ['install-run', ...during], (point) => (isBefore(point, 'switch') ? 'begun anew' : isBefore(point, 'switch-live') ? 'begun anew or finished' : 'finished'));
  add('all', agentRuns, promises.allDied);
  add('app', ['start-done', 'health', 'before-switch', 'before-run', ...during, 'verify', 'after-switch', 'after-run', 'drain', 'stop'], promises.appDied);
  for (const death of ['status', 'signal']) add(death, steps, promises.stepFailed);
  add('limit', ['install-run', 'start-run', 'before-run', 'after-run'], promises.stepFailed);
  // The switch itself writes nothing any more once its intent stands on the disk.
  add('disk', agentRuns, (point) => (isBefore(point, 'switch-intent') ? 'aborted' : 'finished'), 'disk');
  add('nginx-dead', ['plan', 'before-switch', 'switch', 'switch-file', 'switch-tested', 'switch-live'], 'aborted');
  add('nginx-dead', ['switch-reloaded', 'verify'], 'switched back');
  add('nginx-dead', ['drain', 'stop'], 'finished');
  add('nginx-refuses', ['switch-intent', 'switch-tested'], 'aborted');
  add('nginx-refuses', ['switch-reloaded', 'verify', 'drain'], 'finished');
  add('nginx-deaf', ['plan', 'switch-intent', 'switch-tested'], 'aborted');
  add('nginx-deaf', ['verify', 'drain'], 'finished');
  for (const death of ['ledger-cut', 'ledger-garbage', 'ledger-gone']) add(death, ['lock', 'before-switch', 'ledger'], 'finished');
  add('live-broken', ['lock', 'reconcile'], 'aborted');
  add('clock', ['lock', 'clone', 'switch', 'ledger'], 'finished');

  const instant = ['switch', 'switch-unproved', 'switch-link', 'switch-live', 'verify', 'drain'];
  for (const death of ['sigint', 'sigkill']) add(death, instant, promises.cancelled, 'instant');
  for (const death of ['cut', 'frozen']) add(death, instant, promises.lineLost, 'instant');
  add('agent', instant, promises.agentDied, 'instant');
  add('all', instant, promises.allDied, 'instant');
  add('app', instant, promises.appDied, 'instant');
  add('signal', instant, promises.stepFailed, 'instant');

  const both = ['switch-file', 'switch-tested', 'switch-live', 'switch-reloaded'];
  for (const [death, promise] of [['sigint', promises.cancelled], ['cut', promises.lineLost], ['agent', promises.agentDied], ['all', promises.allDied], ['signal', promises.stepFailed]]) add(death, both, promise, 'two');
  return cells;
}
