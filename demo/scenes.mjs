// The scenes, in their order. Each tells what will happen, lets it happen, and checks what came of it.
import { expectAnswer, expectFailure, expectNginxAlone, expectServed, expectStopped, expectSuccess, expectUntouched, other, showCheckRun, showLoad } from './expect.mjs';

export const scenes = [firstDeploy, secondDeploy, neverHealthy, goesBack, rollback];

async function firstDeploy(stageOf) {
  const { screen, world } = stageOf;
  screen.scene(
    '1 of 5: the first deploy',
    `Version v1 goes to a host that has never seen a deploy. In one SSH session the commit is fetched, started
on a slot's own port and asked for its health; only then the link \`live\`, which nginx follows, leads to it.`,
  );
  const before = world.picture();
  const result = await world.deploy(world.commit('v1'));
  showCheckRun(screen, result);
  await expectAnswer(stageOf, 'v1');
  expectSuccess(stageOf, 'the deploy', result);
  expectNginxAlone(stageOf, before);
}

async function secondDeploy(stageOf) {
  const { screen, world } = stageOf;
  screen.scene(
    '2 of 5: a second deploy, under load',
    `27 visitors keep asking, three of them for pages that take up to 2 s. Version v2 starts on the other slot beside v1.
Then the traffic is switched by renaming one link, what v1 still answers is waited for, and v1 is stopped.`,
  );
  const old = world.picture();
  const result = await world.underLoad(['v1', 'v2'], () => world.deploy(world.commit('v2')));
  showCheckRun(screen, result);
  showLoad(screen, result);
  screen.quoted('The job summary, as GitHub gets it:', result.summary);
  screen.say();
  await expectAnswer(stageOf, 'v2');
  expectSuccess(stageOf, 'the deploy', result);
  expectServed(stageOf, ['v1', 'v2'], result);
  expectNginxAlone(stageOf, old);
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
  const result = await world.underLoad(['v2'], () => world.deploy(world.commit('v3', { unhealthy: reason }), { 'health-timeout': '3s' }));
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

async function goesBack(stageOf) {
  const { screen, world } = stageOf;
  const reason = 'PAYMENT_KEY is not set';
  screen.scene(
    '4 of 5: a release that is healthy, but not behind nginx',
    `Version v4 says that it is healthy. But its checkout page, which the deploy asks for through nginx after the switch
(verify-url), answers 500. v2 never stopped, so the traffic goes back to it: one more rename.`,
  );
  const before = world.picture();
  const inputs = { 'verify-url': `http://127.0.0.1:${world.stage.ports.site}/checkout`, 'switch-timeout': '1s' };
  const result = await world.underLoad(['v2', 'v4'], () => world.deploy(world.commit('v4', { broken: reason }), inputs));
  showCheckRun(screen, result);
  showLoad(screen, result);
  await expectAnswer(stageOf, 'v2');
  expectFailure(stageOf, 'verify', result);
  screen.check("the page's own words stand in the log", result.log.includes(reason), 'no such words, above');
  screen.check('the log says that the traffic went back', result.log.includes('switched back'), 'no such words, above');
  expectServed(stageOf, ['v2', 'v4'], result);
  expectUntouched(stageOf, before);
  await expectStopped(stageOf, 'v4', other(before.live));
}

async function rollback(stageOf) {
  const { screen, world } = stageOf;
  screen.scene(
    '5 of 5: a rollback to a standby, under load',
    `Version v5 goes live, and with \`standby: true\` v2 goes on running beside it. v5 has a bug after all: \`command: rollback\` has nothing to
clone, install or start. v3 was never live and v4 not for good, so they are passed over.`,
  );
  const before = world.picture();
  const result = await world.underLoad(['v2', 'v5'], async () => {
    const deployed = await world.deploy(world.commit('v5'), { standby: 'true' });
    expectSuccess(stageOf, 'the deploy', deployed);
    await expectAnswer(stageOf, 'v5');
    screen.say();
    return world.rollback();
  });
  showCheckRun(screen, result);
  showLoad(screen, result);
  await expectAnswer(stageOf, 'v2');
  expectSuccess(stageOf, 'the rollback', result);
  const steps = JSON.parse(result.outputs.steps).map(({ name }) => name);
  screen.check(`the rollback took ${(result.ms / 1000).toFixed(1)} s from start to end and started nothing`, !steps.includes('start'), steps.join(', '));
  expectServed(stageOf, ['v2', 'v5'], result);
  expectUntouched(stageOf, before);
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
  const wanted = 'deploy success, deploy success, deploy failed, deploy failed, deploy success, rollback success';
  screen.check('the ledger has all six: who, what, when, how it ended', outcomes === wanted && ledger.every(({ actor, ended }) => actor && ended), outcomes);
}
