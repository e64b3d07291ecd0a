import { fenced } from '../markdown.js';
import { otherSlot, type Facts } from './facts.js';
import type { Plan } from './plan.js';
import { escaped } from './harmless.js';

/** What reconcile would do on this host, in words: it runs at the start of each deploy and rollback. Nothing while one is under way. */
export function reconcileWould(facts: Facts): string[] {
  const { live, slots } = facts;
  if (facts.look.run) return [];
  if (facts.look.liveOther || (facts.liveLink && !live)) return ['stop and say that `live` is not a link to slots/blue or slots/green'];
  const acts: string[] = [];
  if (facts.intent) acts.push(`end a switch that was interrupted: nginx is made to match ${live || 'what it was before'}`);
  const other = live && otherSlot(live);
  if (live && other && slots[live] && !slots[live].alive && slots[other]?.alive && slots[other].healthy) {
    acts.push(`make ${other} live: the live slot ${live} is dead, and ${other} is healthy`);
  } else {
    const idle = (['blue', 'green'] as const).filter((slot) => slot !== live && slots[slot]?.alive && !slots[slot].standby);
    acts.push(...idle.map((slot) => `stop the ${slot} slot, which runs without being live`));
  }
  for (const release of facts.unfinished) acts.push(`remove the unfinished release ${release}`);
  return acts;
}

/** A plan for people to read: what each step does, its limit, and the script that would run. */
export function planMarkdown(plan: Plan, facts: Facts): string {
  const first = reconcileWould(facts);
  const rows = plan.steps.map(({ name, does, limitMs }) => `| ${name} | ${escaped(does)} | ${limitMs / 1000} s |`);
  return [
    plan.skip ? `Nothing would be done: ${escaped(plan.skip)}.` : '',
    first.length ? `Before it, reconcile would:\n${first.map((act) => `- ${escaped(act)}`).join('\n')}` : '',
    rows.length ? ['| step | does | at most |', '| --- | --- | --- |', ...rows].join('\n') : '',
    ...plan.steps.map(({ name, script }) => `<details><summary>${name}</summary>\n\n${fenced(script, 'sh')}\n</details>`),
  ]
    .filter(Boolean)
    .join('\n\n');
}
