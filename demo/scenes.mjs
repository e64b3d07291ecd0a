// The scenes, in their order. Each tells what will happen, lets it happen, and checks what came of it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expectAnswer, expectFailure, expectServed, expectStopped, expectSuccess, expectUntouched, other, showCheckRun, showLoad } from './expect.mjs';

export const scenes = [firstDeploy, secondDeploy, neverHealthy, nginxSaysNo, rollback];

async function firstDeploy(stageOf) {
  const { screen, world } = stageOf;
  screen.scene(
    '1 of 5: the first deploy',
    `Version v1 goes to a host that has never seen a deploy. In one SSH session the commit is fetched, started
on a slot's own port and asked for its health; only then nginx gets its port.`,
  );
  const before = world.stage.nginx.read();
  const result = await world.deploy(world.commit('v1'));
  showCheckRun(screen, result);
  await expectAnswer(stageOf, 'v1');
  expectSuccess(stageOf, 'the deploy', result);
  screen.check("in nginx's file only server lines of the upstream changed", changedOutside(before, world.stage.nginx.read()) === '', changedOutside(before, world.stage.nginx.read()));
}

async function secondDeploy(stageOf) {
  const { screen, world } = stageOf;
  screen.scene(
    '2 of 5: a second deploy, under load',
    `Eleven visitors keep asking, three of them for a page that takes 2 s. Version v2 starts on the other
slot beside v1. Then the traffic is switched, what v1 still answers is waited for, and v1 is stopped.`,
  );
  const old = world.picture();
  const result = await world.underLoad(() => world.deploy(world.commit('v2')));
  showCheckRun(screen, result);
  showLoad(screen, result);
  screen.quoted('The job summary, as GitHub gets it:', result.summary);
  screen.say();
  await expectAnswer(stageOf, 'v2');
  expectSuccess(stageOf, 'the deploy', result);
  expectServed(stageOf, ['v1', 'v2'], result);
  screen.check(`the traffic is on the other slot, ${other(old.live)}`, world.stage.live() === other(old.live), world.stage.live());
  await expectStopped(stageOf, 'v1', old.live);
  screen.check('the job summary tells the outcome and the steps', result.summary.includes('is live on') && result.summary.includes('| verify |'), 'another summary, above');
}

async function neverHealthy(stageOf) {
  const { screen, world } = stageOf;
  const reason = 'the table orders has no column paid_at; did migration 12 run?';
  screen.scene(
    '3 of 5: a release that never becomes healthy',
    `Version v3 starts, but answers 503 when it is asked for its health. It must never get a visitor, and
whoever reads the failed job has to see why without logging in: the app's own log says it.`,
  );
  const before = world.picture();
  const result = await world.underLoad(() => world.deploy(world.commit('v3', { unhealthy: reason }), { 'health-timeout': '3s' }));
  showCheckRun(screen, result);
  showLoad(screen, result);
  await expectAnswer(stageOf, 'v2');
  expectFailure(stageOf, 'health', result);
  const shown = { log: result.log, summary: result.summary, 'check run': result.checkRun?.output.text ?? '' };
  const silent = Object.keys(shown).filter((place) => !shown[place].includes(`GET /healthz 503: ${reason}`));
  screen.check("the app's log tail stands in the job's log, the summary and the check run", silent.length === 0, `nothing of it in: ${silent.join(', ')}`);
  expectServed(stageOf, ['v2'], result);
  expectUntouched(stageOf, before);
  await expectStopped(stageOf, 'v3', other(before.live));
}

async function nginxSaysNo(stageOf) {
  const { screen, world } = stageOf;
  const file = join(world.extras, 'shop-cache.conf');
  screen.scene(
    '4 of 5: a release whose nginx test fails',
    `Version v4 is healthy, but brings an nginx file with a missing semicolon, which its before-switch command
copies into nginx's folder. nginx -t says no, so the switch must not happen.`,
  );
  const before = world.picture();
  const sha = world.commit('v4', {}, { 'nginx/shop-cache.conf': '# Pages may be kept for a minute.\nexpires 60s\nadd_header x-cache on;\n' });
  const result = await world.underLoad(() => world.deploy(sha, { 'before-switch': `cp nginx/shop-cache.conf ${world.extras}/` }));
  showCheckRun(screen, result);
  showLoad(screen, result);
  await expectAnswer(stageOf, 'v2');
  expectFailure(stageOf, 'switch', result);
  screen.check("nginx's own words stand in the log: which file, which line", result.log.includes(`${file}:`) && result.log.includes('invalid number of arguments'), 'no such words, above');
  expectServed(stageOf, ['v2'], result);
  expectUntouched(stageOf, before);
  await expectStopped(stageOf, 'v4', other(before.live));
  rmSync(file);
  screen.check('with the broken file removed, nginx -t is content again', world.nginxTest() === '', world.nginxTest());
}

async function rollback(stageOf) {
  const { screen, world } = stageOf;
  screen.scene(
    '5 of 5: a rollback, under load',
    `v2 has a bug after all. \`command: rollback\` starts the release that was live before it, without cloning or
installing anything, asks for its health, and switches. v3 and v4 were never live, so they are passed over.`,
  );
  const old = world.picture();
  const result = await world.underLoad(() => world.rollback());
  showCheckRun(screen, result);
  showLoad(screen, result);
  await expectAnswer(stageOf, 'v1');
  expectSuccess(stageOf, 'the rollback', result);
  expectServed(stageOf, ['v1', 'v2'], result);
  await expectStopped(stageOf, 'v2', old.live);
  showLedger(stageOf);
}

/** The host's own record of what was done. */
function showLedger({ screen, world }) {
  const ledger = world.stage.ledger();
  screen.quoted(
    "The host's ledger of this app:",
    ledger.map(({ ended, command, sha, actor, outcome, liveRelease }) => `${ended}  ${actor}  ${command.padEnd(8)}  ${sha.slice(0, 7)}  ${outcome.padEnd(8)} live: ${liveRelease}`).join('\n'),
  );
  screen.say();
  const outcomes = ledger.map(({ command, outcome }) => `${command} ${outcome}`).join(', ');
  const wanted = 'deploy success, deploy success, deploy failed, deploy failed, rollback success';
  screen.check('the ledger has all five: who, what, when, how it ended', outcomes === wanted && ledger.every(({ actor, ended }) => actor && ended), outcomes);
}

/** The lines that differ and are no server lines, as text. */
function changedOutside(before, after) {
  const rest = (text) => text.split('\n').filter((line) => !/^\s*server\s+127/.test(line));
  const [one, two] = [rest(before), rest(after)];
  return [...one.filter((line) => !two.includes(line)), ...two.filter((line) => !one.includes(line))].join(' | ');
}
