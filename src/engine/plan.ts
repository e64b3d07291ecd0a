import { DeployError } from '../errors.js';
import { assignments, quote, seconds } from '../host/quote.js';
import { nginxVersion } from '../nginx/facts.js';
import type { Route } from '../nginx/routes.js';
import type { Settings } from '../settings/settings.js';
import { checkDrift, checkHost } from './checks.js';
import { otherSlot, type Facts, type Slot } from './facts.js';
import { readNginx, type NginxFacts } from './nginx-facts.js';
import { recipeOf, releaseJson, storedRecipe } from './recipe.js';
import { ledgerBeginning, type Run } from './ledger.js';
import { knowsWhatWasLive, liveRelease, newReleaseId, rollbackTarget } from './releases.js';
import { portsInForce, portsOfStandby, slotsToUse } from './slots.js';
import { bake } from './steps/bake.js';
import { clone } from './steps/clone.js';
import { afterSwitch, beforeSwitch, install } from './steps/commands.js';
import { drain, prune, standby, stop, stopStandby } from './steps/finish.js';
import { health } from './steps/health.js';
import { start } from './steps/start.js';
import type { Step, StepMaker, Target } from './steps/step.js';
import { probe, switchTraffic, verify } from './steps/switch.js';

/** An ordered list of steps, and what they are about. Nothing was done yet. */
export interface Plan {
  target: Target;
  steps: Step[];
  /** Why nothing is to be done; '' when there is. */
  skip: string;
  warnings: string[];
  notices: string[];
  previousRelease: string;
  nginx: NginxFacts;
  /** The plan as the agent takes it: shell text without any secret. */
  script: string;
}

// The whole deploy, and the whole rollback, in order.
const deploySteps = (nginx: NginxFacts): StepMaker[] => [probe(nginx), clone, install, ...startAndSwitch(nginx)];
const rollbackSteps = (nginx: NginxFacts): StepMaker[] => [probe(nginx), ...startAndSwitch(nginx)];
const startAndSwitch = (nginx: NginxFacts): StepMaker[] => [stopStandby, start, health, beforeSwitch, switchTraffic(nginx), verify, bake, afterSwitch, drain, stop, standby, prune];

/**
 * Plans a deploy or a rollback: a pure function of settings and facts.
 *
 * @throws DeployError when it cannot be done safely
 */
export function makePlan(settings: Settings, facts: Facts, run: Run): Plan {
  checkHost(settings, facts);
  const back = settings.command === 'rollback';
  const what = back ? oldRelease(settings, facts) : newRelease(settings, facts);
  const inForce = portsInForce(facts, settings.ports);
  const ports = back ? portsOfStandby(facts, what.release, inForce) : inForce;
  const nginx = readNginx(settings, facts, ports, what.recipe.listen);
  // What an interrupted switch left is reconcile's to mend, not a person's doing.
  if (!facts.intent) checkDrift(settings, facts, nginx);
  const target = targetOf(settings, facts, what, slotsToUse(facts, ports, nginx.serving), nginx);
  const steps = (back ? rollbackSteps : deploySteps)(nginx).flatMap((make) => make(settings, facts, target) ?? []);
  const skip = back ? '' : overtaken(settings, facts, target);
  const plan = { target, steps: skip ? [] : steps, skip, warnings: [...nginx.warnings, ...deadLive(facts, nginx), ...lostLedger(settings, facts)], notices: nginx.notices, previousRelease: liveRelease(facts), nginx };
  return { ...plan, script: planScript(settings, facts, run, plan) };
}

function targetOf(settings: Settings, facts: Facts, what: Pick<Target, 'release' | 'sha' | 'recipe'>, slots: ReturnType<typeof slotsToUse>, nginx: NginxFacts): Target {
  const { slot, port, oldPort } = slots;
  const oldSlot = otherSlot(slot);
  const at = (name: Slot, listen: 'port' | 'socket', number: number): string => (listen === 'socket' ? `${settings.root}/slots/${name}/app.sock` : String(number));
  const there = facts.slots[slot];
  const fromStandby = settings.command === 'rollback' && Boolean(there?.standby) && there?.release === what.release;
  return {
    ...what,
    slot,
    port,
    live: facts.live,
    oldSlot,
    oldPort,
    address: nginx.address[slot],
    logs: nginx.logs,
    listensAt: at(slot, what.recipe.listen, port),
    oldListensAt: at(oldSlot, facts.slots[oldSlot]?.listen ?? what.recipe.listen, oldPort),
    standbyReady: fromStandby && Boolean(there?.alive && there.healthy),
    // Who rolls back to a standby gets one to go forth again.
    keepsStandby: Boolean(facts.slots[oldSlot]?.alive) && facts.live !== '' && (settings.standby || fromStandby),
  };
}

function newRelease(settings: Settings, facts: Facts): Pick<Target, 'release' | 'sha' | 'recipe'> {
  if (!/^[0-9a-f]{40}$/.test(facts.commit)) {
    throw new DeployError({
      step: 'survey',
      what: `${settings.repository} has no branch, tag or commit ${settings.ref}`,
      next: 'Push it, or correct the setting ref.',
      settings: ['ref', 'repository'],
    });
  }
  return { release: newReleaseId(facts, facts.commit), sha: facts.commit, recipe: recipeOf(settings) };
}

/** A rollback starts a release as it was deployed, unless the settings say how. */
function oldRelease(settings: Settings, facts: Facts): Pick<Target, 'release' | 'sha' | 'recipe'> {
  const release = rollbackTarget(facts, settings.release);
  const recipe = settings.start ? recipeOf(settings) : storedRecipe(release);
  return { release: release.id, sha: release.sha, recipe };
}

/** The backup lines, which save uploads, have a price. */
function deadLive(facts: Facts, nginx: NginxFacts): string[] {
  const dead = facts.live && facts.slots[facts.live] && !facts.slots[facts.live]?.alive;
  if (!dead || !nginx.follows) return [];
  return [`the live app does not run: until the switch nginx sends its requests to the new release as soon as that listens, healthy or not`];
}

function lostLedger({ root }: Settings, facts: Facts): string[] {
  if (knowsWhatWasLive(facts)) return [];
  return [`the ledger ${root}/ledger.ndjson does not know the live release: no release is removed, since nobody can tell which of them were good`];
}

/** A run that was queued behind a newer one must not take its place. */
function overtaken(settings: Settings, facts: Facts, target: Target): string {
  const live = facts.live && facts.slots[facts.live];
  if (settings.allowOlder || !facts.ancestor || !live || live.sha === target.sha) return '';
  return `commit ${target.sha.slice(0, 7)} is older than ${live.sha.slice(0, 7)}, which is live: nothing to do (setting allow-older)`;
}

function planScript(settings: Settings, facts: Facts, run: Run, plan: Omit<Plan, 'script'>): string {
  const { target, nginx } = plan;
  const variables = assignments({
    BG_RELEASE: target.release,
    BG_SHA: target.sha,
    BG_SLOT: target.slot,
    BG_PORT: target.port,
    BG_PREVIOUS_SLOT: target.live,
    BG_OLD_SLOT: target.oldSlot,
    BG_OLD_PORT: target.oldPort,
    BG_AT: target.listensAt,
    BG_OLD_AT: target.oldListensAt,
    BG_LISTEN: target.recipe.listen,
    BG_STANDBY_READY: target.standbyReady ? 'yes' : '',
    BG_RELEASE_JSON: releaseJson(settings, target, run),
    ...nginxVariables(settings, facts, nginx),
  });
  const steps = plan.steps.map(({ name, limitMs, needs, onFailure, script }) => `bg_plan_step ${name} ${seconds(limitMs)} '${needs}' ${onFailure} ${quote(script)}\n`);
  return [
    assignments({ BG_PLAN_TEXT: variables, BG_LEDGER: ledgerBeginning(settings, run, target, plan.previousRelease), BG_SKIP: plan.skip }),
    ...steps,
  ].join('');
}

function nginxVariables(settings: Settings, facts: Facts, nginx: NginxFacts): Record<string, string | number> {
  const { edit, route, pidFile, errorLog, folder, probes, probeAnswers } = nginx;
  return {
    BG_NG_COMMAND: facts.nginx.command,
    BG_NG_MODE: nginx.mode,
    BG_NG_FOLLOWS: nginx.follows ? 'yes' : '',
    BG_NG_PROBES: probes.map((one) => [urlOf(one), connectOf(one), one.proxyProtocol ? 'yes' : ''].join('\t')).join('\n'),
    BG_NG_PROBE_BLUE: probeAnswers.blue,
    BG_NG_PROBE_GREEN: probeAnswers.green,
    BG_NG_FILE: edit?.file ?? '',
    BG_NG_REGION: edit?.region ?? '',
    BG_NG_BLUE: edit?.blue ?? '',
    BG_NG_GREEN: edit?.green ?? '',
    BG_NG_SUM: facts.nginx.files.find(({ path }) => path === edit?.file)?.sum ?? '',
    BG_NG_FOLDER: folder,
    BG_NG_PID_FILE: pidFile,
    BG_NG_ERROR_LOG: errorLog,
    BG_NG_URL: route ? urlOf(route) : settings.verifyUrl,
    BG_NG_CONNECT: route ? connectOf(route) : '',
    BG_NG_PROXY_PROTOCOL: route?.proxyProtocol ? 'yes' : '',
    BG_NG_TIMEOUT: seconds(settings.switchTimeout),
    BG_NG_VERSION: nginxVersion(facts.nginx.version),
  };
}

function urlOf(route: Route): string {
  const usual = route.scheme === 'https' ? 443 : 80;
  return `${route.scheme}://${route.serverName || route.connectTo}${route.port === usual ? '' : `:${route.port}`}${route.path}`;
}

const connectOf = (route: Route): string => `${route.connectTo}:${route.port}`;
