import type { Problem } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import { otherSlot, type Facts } from './facts.js';
import type { Plan } from './plan.js';

/** What reconcile would do on this host, in words: it runs at the start of each deploy and rollback. */
export function reconcileWould(facts: Facts): string[] {
  const acts: string[] = [];
  if (facts.intent) acts.push(`end a switch that was interrupted: nginx is made to match ${facts.live || 'what it was before'}`);
  const live = facts.live ? facts.slots[facts.live] : undefined;
  const idle = facts.live ? otherSlot(facts.live) : undefined;
  if (live && idle && !live.alive && facts.slots[idle]?.healthy) acts.push(`make ${idle} live: the live slot ${facts.live} is dead, and ${idle} is healthy`);
  else if (idle && facts.slots[idle]?.alive && !facts.slots[idle].standby) acts.push(`stop the ${idle} slot, which runs without being live`);
  for (const release of facts.unfinished) acts.push(`remove the unfinished release ${release}`);
  return acts;
}

/** A plan for people to read: what each step does, its limit, and the script that would run. */
export function planMarkdown(plan: Plan, facts: Facts): string {
  const first = reconcileWould(facts);
  const rows = plan.steps.map(({ name, does, limitMs }) => `| ${name} | ${cell(does)} | ${limitMs / 1000} s |`);
  return [
    plan.skip ? `Nothing would be done: ${plan.skip}.` : '',
    first.length ? `Before it, reconcile would:\n${first.map((act) => `- ${act}`).join('\n')}` : '',
    rows.length ? ['| step | does | at most |', '| --- | --- | --- |', ...rows].join('\n') : '',
    ...plan.steps.map(({ name, script }) => `<details><summary>${name}</summary>\n\n${fenced(script)}\n</details>`),
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** What is live, and whether it is well, in half a sentence. */
export function statusSentence(facts: Facts): string {
  const live = facts.live ? facts.slots[facts.live] : undefined;
  if (!live) return 'nothing is live';
  const state = !live.alive ? ', but is not running' : !live.healthy ? ', but is not healthy' : '';
  return `release ${live.release} is live on ${facts.live}${state}`;
}

/** The host as it is, for people to read. */
export function statusMarkdown(settings: Settings, facts: Facts, drift: Problem | undefined): string {
  const slots = (['blue', 'green'] as const).map((slot) => {
    const known = facts.slots[slot];
    const state = !known ? '' : known.alive ? (known.healthy ? 'healthy' : 'runs, not healthy') : 'not running';
    return `| ${slot}${slot === facts.live ? ' (live)' : ''} | ${known?.release ?? ''} | ${known?.sha.slice(0, 7) ?? ''} | ${known?.port ?? ''} | ${state} |`;
  });
  const ledger = facts.ledger.slice(-10).map((line) => `| ${line.ended} | ${line.command} | ${line.release} | ${line.outcome} | ${cell(line.actor)} |`);
  const would = reconcileWould(facts);
  const live = facts.live ? facts.slots[facts.live] : undefined;
  return [
    ['| slot | release | commit | port | state |', '| --- | --- | --- | --- | --- |', ...slots].join('\n'),
    drift ? `**${drift.what}.** ${drift.next}` : '',
    would.length ? `The next run would:\n${would.map((act) => `- ${act}`).join('\n')}` : live && !live.alive ? 'The live app does not run. A deploy or a rollback starts one again.' : drift ? '' : `${settings.root} is as \`live\` says.`,
    ledger.length ? ['| ended | command | release | outcome | by |', '| --- | --- | --- | --- | --- |', ...ledger].join('\n') : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
