// docs/failures.md, as the matrix came out.
import { points } from './cells.mjs';
import { deaths } from './deaths.mjs';

const inWords = {
  connect: 'connect: before the host has let us in',
  'lock-wait': 'lock: waiting for another run',
  lock: 'lock: just taken',
  reconcile: 'reconcile',
  survey: 'survey',
  plan: 'between survey and the first step',
  clone: 'clone: begins',
  'clone-fetched': 'clone: fetched',
  'clone-made': 'clone: checked out',
  install: 'install: begins',
  'install-run': 'install: in the command',
  start: 'start: begins',
  'start-written': 'start: slot written, app not started',
  'start-run': 'start: in the command',
  'start-done': 'start: app started',
  health: 'health',
  'before-switch': 'before-switch: begins',
  'before-run': 'before-switch: in the command',
  switch: 'switch: begins',
  'switch-unproved': 'switch: marked as not proved',
  'switch-intent': 'switch: intent written',
  'switch-file': "switch: nginx's file replaced",
  'switch-tested': 'switch: nginx -t passed',
  'switch-link': 'switch: new link made, not renamed',
  'switch-live': '**switch: `live` renamed**',
  'switch-reloaded': 'switch: nginx reloaded',
  'switch-done': 'switch: done',
  verify: 'verify',
  'after-switch': 'after-switch: begins',
  'after-run': 'after-switch: in the command',
  drain: 'drain',
  stop: 'stop: begins',
  'stop-done': 'stop: old slot stopped',
  prune: 'prune: begins',
  'prune-removed': 'prune: a release removed',
  ledger: 'ledger: line not written yet',
  'ledger-written': 'ledger: line written',
};

const columns = {
  sigint: 'SIGINT to the action',
  sigterm: 'SIGTERM to the action',
  sigkill: 'SIGKILL to the action',
  cut: 'line cut',
  frozen: 'line frozen',
  agent: 'SIGKILL to the agent',
  orphan: 'the same, its step goes on',
  all: 'SIGKILL to all it started',
  app: 'new app crashes',
  status: 'step fails by status',
  signal: 'step is killed',
  limit: 'time limit',
  disk: 'disk full',
};

const elsewhere = ['nginx-dead', 'nginx-refuses', 'nginx-deaf', 'ledger-cut', 'ledger-garbage', 'ledger-gone', 'live-broken', 'clock'];

const introduction = `# What happens when something dies

This page is what came out of \`npm run test:faults\`: a deploy is held at each moment of its life, something is killed, cut or broken there, and it is
looked what becomes of the site. Nothing is a stand-in: the built action, sshd, nginx, git, an app, and visitors who never stop asking.

## The promise

Whatever dies, at whatever moment, and without anybody doing anything:

- **The site stays up.** Who answers is the old release or the new one, and it is healthy. No request is lost but what the thing that died had in its hands.
- **Never in between.** \`live\`, nginx and the slots agree. Before \`live\` is renamed nothing has changed for visitors; after it the run is finished, or the
  traffic goes back to the old slot.
- **What is reported is what is live.** An action that lost its line connects again and reads what became of its run.
- **The next deploy just works**, and leaves one live slot, no orphan process, no half release, no lock and no file of the run that died. There is no unlock command.

Each cell below was checked for all of that. It says how the run ended:

| word | meaning |
| --- | --- |
| aborted | the old release is live; nothing had been switched |
| anew | the old release had the traffic, still or again; the action saw that and began anew by itself (setting \`retries\`): the new release is live |
| finished | the new release is live |
| back | it had been switched; the old release has the traffic again |

## Everything that can die
`;

const outside = `
## What nginx, the disk and the clock can do

What is broken here is not the deploy's, and is mended by whoever does that (nginx is started again, the other site's file is mended, \`live\` is put back) before the
next deploy. With a full disk, a further deploy says so and changes nothing.
`;

const names = { aborted: 'aborted', finished: 'finished', 'switched back': 'back', 'begun anew': 'anew' };

/**
 * @param {{ bed: string, point: string, death: string, how: string, expected: string }[]} cells
 * @returns {string} the whole page
 */
export function pageOf(cells) {
  const of = (...beds) => cells.filter(({ bed }) => beds.includes(bed));
  const main = of('reload', 'disk').filter(({ death }) => columns[death]);
  const others = of('reload').filter(({ death }) => !columns[death]);
  return [
    introduction,
    table(main, Object.keys(columns), (death) => columns[death]),
    '\nAn empty cell: there is nothing of that kind at that moment. "anew, finished": either one, both sound.\n',
    '"SIGKILL to all it started" spares an app that is the only one left: to keep that alive is nobody\'s task here.\n',
    outside,
    table(others, elsewhere, (death) => deaths[death].title),
    '\n## With the instant switch\n',
    table(of('instant'), Object.keys(columns), (death) => columns[death]),
    '\n## While another app on the same nginx switches too\n\nThe other app\'s deploy succeeds in each of these.\n',
    table(of('two'), Object.keys(columns), (death) => columns[death]),
    `\n${cells.length} cells.\n`,
  ].join('\n');
}

function table(cells, deathsWanted, title) {
  const used = deathsWanted.filter((death) => cells.some((cell) => cell.death === death));
  const rows = Object.keys(inWords).filter((point) => cells.some((cell) => cell.point === point));
  const cellOf = (point, death) => {
    const found = cells.find((cell) => cell.point === point && cell.death === death);
    if (!found) return '';
    // Where either end is sound, the page does not change from run to run.
    return found.expected.split(' or ').includes(found.how) ? found.expected.split(' or ').map((how) => names[how]).join(', ') : `**${found.how}**`;
  };
  return [
    `| when | ${used.map(title).join(' | ')} |`,
    `| --- | ${used.map(() => '---').join(' | ')} |`,
    ...rows.map((point) => `| ${inWords[point]} | ${used.map((death) => cellOf(point, death)).join(' | ')} |`),
  ].join('\n');
}

for (const point of points) if (!inWords[point]) throw new Error(`the point ${point} has no words`);
