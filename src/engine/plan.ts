import { DeployError } from '../errors.js';
import { assignments, quote, seconds } from '../host/quote.js';
import type { Settings } from '../settings/settings.js';
import { checkDrift, checkHost } from './checks.js';
import { otherSlot, type Facts } from './facts.js';
import { readNginx, type NginxFacts } from './nginx-facts.js';
import { recipeOf, releaseJson, storedRecipe } from './recipe.js';
import { ledgerBeginning, type Run } from './ledger.js';
import { liveRelease, newReleaseId, rollbackTarget } from './releases.js';
import { portsInForce, slotsToUse } from './slots.js';
import { clone } from './steps/clone.js';
import { afterSwitch, beforeSwitch, install } from './steps/commands.js';
import { drain, prune, stop } from './steps/finish.js';
import { health } from './steps/health.js';
import { start } from './steps/start.js';
import type { Step, StepMaker, Target } from './steps/step.js';
import { switchTraffic, verify } from './steps/switch.js';

/** An ordered list of steps, and what they are about. Nothing was done yet. */
export interface Plan {
  target: Target;
  steps: Step[];
  /** Why nothing is to be done; '' when there is. */
  skip: string;
  warnings: string[];
  previousRelease: string;
  nginx: NginxFacts;
  /** The plan as the agent takes it: shell text without any secret. */
  script: string;
}

// The whole deploy, and the whole rollback, in order.
const deploySteps: StepMaker[] = [clone, install, start, health, beforeSwitch, switchTraffic, verify, afterSwitch, drain, stop, prune];
const rollbackSteps: StepMaker[] = [start, health, beforeSwitch, switchTraffic, verify, afterSwitch, drain, stop, prune];

/**
 * Plans a deploy or a rollback: a pure function of settings and facts.
 *
 * @throws DeployError when it cannot be done safely
 */
export function makePlan(settings: Settings, facts: Facts, run: Run): Plan {
  checkHost(settings, facts);
  const ports = portsInForce(facts, settings.ports);
  const nginx = readNginx(settings, facts, ports);
  // What an interrupted switch left is reconcile's to mend, not a person's doing.
  if (!facts.intent) checkDrift(settings, facts, nginx);
  const { slot, port, oldPort } = slotsToUse(facts, ports, nginx.edit.serving);
  const back = settings.command === 'rollback';
  const what = back ? oldRelease(settings, facts) : newRelease(settings, facts);
  const target: Target = { ...what, slot, port, live: facts.live, oldSlot: otherSlot(slot), oldPort, address: nginx.edit.address[slot] };
  const steps = (back ? rollbackSteps : deploySteps).flatMap((make) => make(settings, facts, target) ?? []);
  const skip = back ? '' : overtaken(settings, facts, target);
  const plan = { target, steps: skip ? [] : steps, skip, warnings: nginx.warnings, previousRelease: liveRelease(facts), nginx };
  return { ...plan, script: planScript(settings, facts, run, plan) };
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
    BG_RELEASE_JSON: releaseJson(settings, target, run),
    ...nginxVariables(settings, facts, nginx),
  });
  const steps = plan.steps.map(({ name, limitMs, needs, onFailure, script }) => `bg_plan_step ${name} ${seconds(limitMs)} '${needs}' ${onFailure} ${quote(script)}\n`);
  return [
    assignments({ BG_PLAN_TEXT: variables, BG_LEDGER: ledgerBeginning(settings, run, target, plan.previousRelease), BG_SKIP: plan.skip }),
    ...steps,
  ].join('');
}

function nginxVariables(settings: Settings, facts: Facts, { edit, route, pidFile, errorLog, folder }: NginxFacts): Record<string, string | number> {
  const usual = route?.scheme === 'https' ? 443 : 80;
  const port = route && route.port !== usual ? `:${route.port}` : '';
  return {
    BG_NG_COMMAND: facts.nginx.command,
    BG_NG_FILE: edit.file,
    BG_NG_REGION: edit.region,
    BG_NG_BLUE: edit.blue,
    BG_NG_GREEN: edit.green,
    BG_NG_SUM: facts.nginx.files.find(({ path }) => path === edit.file)?.sum ?? '',
    BG_NG_FOLDER: folder,
    BG_NG_PID_FILE: pidFile,
    BG_NG_ERROR_LOG: errorLog,
    BG_NG_URL: route ? `${route.scheme}://${route.serverName || route.connectTo}${port}${route.path}` : settings.verifyUrl,
    BG_NG_CONNECT: route ? `${route.connectTo}:${route.port}` : '',
    BG_NG_PROXY_PROTOCOL: route?.proxyProtocol ? 'yes' : '',
    BG_NG_TIMEOUT: seconds(settings.switchTimeout),
  };
}
