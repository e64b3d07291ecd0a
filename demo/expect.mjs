// What the scenes expect in common, and how they show what GitHub and the visitors saw.

/** The check run as GitHub's page lists it: conclusion, title, an annotation a line; and the deployment's states. */
export function showCheckRun(screen, { checkRun, statuses }) {
  screen.say();
  if (!checkRun) return screen.fact('check run', 'none');
  const { output, conclusion, name } = checkRun;
  screen.fact('check run', `${name}: ${conclusion}`);
  screen.fact('', output.title);
  for (const { annotation_level: level, title, message } of output.annotations) {
    screen.fact('', `  ${level.padEnd(8)} ${title.padEnd(14)} ${short(message.split('\n').slice(0, 2).join(' · '))}`);
  }
  screen.fact('deployment', `production: ${statuses.join(' → ') || 'none'}`);
}

/** What the visitors got meanwhile. */
export function showLoad(screen, { load }) {
  const who = Object.entries(load.versions).map(([version, count]) => `${version} ${count}`);
  screen.fact('visitors', `${load.served} requests served (${who.join(', ')}), ${load.failed} failed`);
  screen.fact('', `${load.connections} connections opened; ${load.keepaliveCloses} times nginx closed one between two requests, and the request had to be sent again`);
  const { firstAnswerMs: [first] = [], p99SwitchMs, p99Ms } = load.figures;
  if (first) screen.fact('', `first answer of the new release ${Math.round(first)} ms after the switch; 99 of 100 answers within ${p99SwitchMs} ms in that second, ${p99Ms} ms in the others`);
  for (const { at, what } of load.failures) screen.fact('', `  failed after ${at} ms: ${what}`);
}

/** @param {string} version who has to answer at nginx's port now */
export async function expectAnswer({ screen, world }, version) {
  const { status, body } = await world.stage.ask();
  screen.fact('nginx', `http://127.0.0.1:${world.stage.ports.site} answers "${body}"`);
  screen.check(`${version} answers through nginx`, status === 200 && body === `shop ${version}`, `status ${status}, "${body}"`);
}

/** A run that ended well, and was reported so. */
export function expectSuccess({ screen }, name, { code, post, checkRun, outputs, statuses }) {
  screen.check(`${name} succeeds`, code === 0 && post === 0 && outputs.switched === 'true', `exit status ${code}, then ${post}, switched ${outputs.switched}`);
  const steps = JSON.parse(outputs.steps || '[]').map((step) => step.name);
  const annotated = checkRun?.output.annotations.map(({ title }) => title) ?? [];
  screen.check('the check run is a success, with an annotation for each step', checkRun?.conclusion === 'success' && same(steps, annotated), `${checkRun?.conclusion}: ${annotated}; steps: ${steps}`);
  screen.check('the deployment on GitHub is a success', statuses.at(-1) === 'success', statuses.join(', ') || 'no deployment');
}

/** A run that failed at a step, and was reported so. */
export function expectFailure({ screen }, step, { code, checkRun, outputs, statuses }) {
  screen.check(`the deploy fails at ${step}`, code === 1 && outputs.switched === 'false' && failedSteps(outputs).includes(step), `exit status ${code}, switched ${outputs.switched}, failed: ${failedSteps(outputs)}`);
  const failures = checkRun?.output.annotations.filter((annotation) => annotation.annotation_level === 'failure').map(({ title }) => title) ?? [];
  screen.check(`the check run is a failure, annotated at ${step}`, checkRun?.conclusion === 'failure' && same(failures, [step]), `${checkRun?.conclusion}: ${failures}`);
  screen.check('the deployment on GitHub is a failure', statuses.at(-1) === 'failure', statuses.join(', ') || 'no deployment');
}

/** @param {string[]} versions all that may have answered, and each of them has to */
export function expectServed({ screen }, versions, { load }) {
  const { served, failed, failures, keepaliveCloses } = load;
  screen.check(`${served} requests served, 0 failed`, served > 0 && failed === 0, `${failed} failed: ${[...new Set(failures.map(({ what }) => what))].join(', ')}`);
  screen.check('nginx closed no connection that a visitor kept', keepaliveCloses === 0, `${keepaliveCloses} closed`);
  const seen = Object.keys(load.versions).sort();
  screen.check(`every answer came from ${versions.join(' or ')}`, same(seen, [...versions].sort()), seen.join(', '));
}

/** The switch is a renamed link: nginx itself is left alone. */
export function expectNginxAlone({ screen, world }, before) {
  const after = world.picture();
  screen.check("nginx's file is byte for byte what it was", after.nginxFile === before.nginxFile && after.nginxMode === before.nginxMode, 'another content or mode');
  screen.check('nginx was not reloaded', after.reloads === before.reloads, `${after.reloads - before.reloads} reloads`);
}

/** Nothing that serves traffic is another than before. */
export function expectUntouched(stageOf, before) {
  const { screen, world } = stageOf;
  const after = world.picture();
  expectNginxAlone(stageOf, before);
  screen.check(`the live slot is ${before.live}, with the same process ${before.pid}`, after.live === before.live && after.pid === before.pid, `${after.live}, process ${after.pid}`);
}

/** @param {'blue' | 'green'} slot */
export async function expectStopped({ screen, world }, name, slot) {
  screen.check(`${name} does not run any more: nobody listens on the ${slot} slot's port ${world.stage.ports[slot]}`, !(await world.listens(world.stage.ports[slot])), 'an open port');
}

export const other = (slot) => (slot === 'blue' ? 'green' : 'blue');

function failedSteps(outputs) {
  return JSON.parse(outputs.steps || '[]').filter(({ status }) => status === 'failure').map(({ name }) => name);
}

function short(text) {
  return text.length > 110 ? `${text.slice(0, 109)}…` : text;
}

function same(one, two) {
  return one.length === two.length && one.every((item, at) => item === two[at]);
}
