import { dirname } from 'node:path';
import { DeployError } from '../errors.js';
import { assignments, quote, seconds } from '../host/quote.js';
import type { NginxConfig } from '../nginx/config.js';
import { errorLogFile, masterPidFile } from '../nginx/facts.js';
import { trapsError, trapText, type InstantOptions } from '../nginx/trap.js';
import { checkRoot, type Managed } from '../nginx/managed.js';
import { planSetup, type SetupPlan } from '../nginx/setup.js';
import { serverLines, servingOf, sameName, slotLines, upstreams } from '../nginx/upstream.js';
import type { Settings } from '../settings/settings.js';
import type { Facts } from './facts.js';
import { instantOptions, managedFilesFor } from './instant-facts.js';
import { asCalled, loadedConfig } from './nginx-facts.js';
import { doneText, toDoText } from './setup-text.js';
import { portsInForce } from './slots.js';
import { setupStep } from './steps/setup.js';

/** What `command: setup` is about. Nothing was done yet. */
export interface Setup {
  /** For people, once it is over and went well. */
  sentence: string;
  /** What was done, or what is to be done; plain text of several lines. */
  text: string;
  warnings: string[];
  /** As the agent takes it. Without a step where the user may not change nginx's files. */
  script: string;
}

/**
 * Plans `command: setup`: a pure function of settings and facts.
 *
 * @throws DeployError when nginx cannot be set up as it is
 */
export function makeSetup(settings: Settings, facts: Facts): Setup {
  checkRoot(settings.root);
  const config = loadedConfig(facts);
  const ports = portsInForce(facts, settings.ports);
  const folder = dirname(config.main);
  const files = (listen: 'port' | 'socket'): Managed => managedFilesFor(settings, facts, config, ports, listen);
  const wanted = files(settings.listen);
  const other = files(settings.listen === 'port' ? 'socket' : 'port');
  const options = { ...instantOptions(settings, facts, ports), healthPath: settings.healthPath };
  const plan = planSetup(config, wanted, other, options);
  if (plan.traps.length) throw trapsError(plan.traps);
  refuseOthers(settings, facts, config, wanted, options, plan);
  refuseUnaskable(settings, facts, plan);
  return { ...words(settings, facts, folder, plan), warnings: plan.warnings.map(trapText), script: scriptOf(settings, facts, config, folder, wanted, plan) };
}

/** Who serves now has to be who will be led to: setup gives the traffic to nobody else. */
function refuseOthers(settings: Settings, facts: Facts, config: NginxConfig, wanted: Managed, options: InstantOptions, plan: SetupPlan): void {
  if (plan.writes.length === 0) return;
  const refused = (what: string, next: string, settings: string[]): DeployError => new DeployError({ step: 'survey', what, next, settings });
  if (facts.intent) throw refused('a switch was begun on this host and not ended', 'Run a deploy or a rollback first: it ends that one.', ['command']);
  if (facts.liveLink && !facts.live) {
    throw refused(`${settings.root}/live is not a link to slots/blue or slots/green`, `Look at it with: ls -l ${settings.root}/live. Only bluegreen writes it.`, ['root']);
  }
  const block = upstreams(config).find((one) => one.parent?.name === 'http' && one.file !== wanted.http.path && sameName(one.args[0] ?? '', settings.nginxUpstream));
  if (block && plan.shown.some(({ remove }) => remove)) {
    const lines = serverLines(block, options);
    slotLines(block, lines, options);
    const serving = servingOf(lines);
    if (serving !== (facts.live || 'blue')) throw servesElsewhere(settings, facts, options, `${block.file}:${block.line}`, serving);
  }
  const onPorts = new Set([...facts.listeners, ...Object.values(facts.slots).flatMap(({ alive, listen, port }) => (alive && listen === 'port' ? [port] : []))]);
  const [blue, green] = options.ports;
  if (settings.listen === 'socket' && onPorts.has(blue) && onPorts.has(green)) {
    throw refused(
      `apps listen on both ports, ${blue} and ${green}: until a release listens on a socket, nginx would send requests to both of them`,
      'Stop the one that is not live: a deploy or a rollback with standby: false does so. Then run setup again.',
      ['standby', 'ports'],
    );
  }
  const live = facts.live && facts.slots[facts.live];
  if (live && live.alive && settings.listen === 'port' && settings.ports.includes(live.port) && !facts.listeners.has(live.port)) {
    throw refused(
      `the live app does not listen on port ${live.port}, which nginx would lead to`,
      'Deploy a release that listens on $PORT first, or set listen: socket.',
      ['listen', 'ports'],
    );
  }
}

function servesElsewhere(settings: Settings, facts: Facts, { ports }: InstantOptions, place: string, serving: string): DeployError {
  const says = serving === 'none' ? 'no slot' : serving === 'both' ? 'both slots' : `the ${serving} slot`;
  if (facts.live) {
    return new DeployError({
      step: 'survey',
      what: `the upstream ${settings.nginxUpstream} (${place}) sends requests to ${says}, but the live slot is ${facts.live}: somebody changed it by hand`,
      next: `Decide which is right. Either let its server line name the port of ${facts.live}, or make ${settings.root}/live a link to the slot that nginx uses; then run setup again.`,
      settings: ['nginx-upstream', 'root'],
    });
  }
  return new DeployError({
    step: 'survey',
    what: `the upstream ${settings.nginxUpstream} (${place}) sends requests to ${says}; without a release that is live, setup leads them to blue, port ${ports[0]}`,
    next: serving === 'green' ? `Set ports: ${ports[1]},${ports[0]}, so that what serves now is blue.` : `Let it send them to port ${ports[0]} alone, or deploy once before.`,
    settings: ['ports', 'nginx-upstream'],
  });
}

function refuseUnaskable(settings: Settings, facts: Facts, plan: SetupPlan): void {
  if (facts.tools.has('curl') || [...plan.probes, ...plan.visits].every(({ scheme, proxyProtocol }) => scheme === 'http' && !proxyProtocol)) return;
  throw new DeployError({
    step: 'survey',
    what: `the site of ${settings.app} is served over TLS or the PROXY protocol only, and asking it needs curl, which is not on the host`,
    next: 'Install curl on the host.',
    settings: [],
  });
}

function words(settings: Settings, facts: Facts, folder: string, plan: SetupPlan): Pick<Setup, 'sentence' | 'text'> {
  if (plan.writes.length === 0) return { sentence: `nginx is set up already to follow ${settings.root}/live: no file was changed`, text: '' };
  if (facts.root) return { sentence: `nginx follows ${settings.root}/live from now on`, text: doneText(plan) };
  return {
    sentence: `nothing was changed, since only root may; with the lines below nginx follows ${settings.root}/live`,
    text: toDoText(plan, folder, facts.nginx.command),
  };
}

function scriptOf(settings: Settings, facts: Facts, config: NginxConfig, folder: string, wanted: Managed, plan: SetupPlan): string {
  const called = asCalled(facts.nginx);
  const variables = assignments({
    BG_NG_COMMAND: facts.nginx.command,
    BG_NG_FOLDER: folder,
    BG_NG_PID_FILE: masterPidFile(config, called),
    BG_NG_ERROR_LOG: errorLogFile(config, called),
    BG_NG_TIMEOUT: seconds(settings.switchTimeout),
    BG_SU_FOLDER: dirname(wanted.http.path),
    BG_SU_BLUE: wanted.probeAnswers.blue,
    BG_SU_GREEN: wanted.probeAnswers.green,
    BG_SU_ROOT: facts.root ? 'yes' : '',
  });
  const step = setupStep(settings, facts, plan);
  return assignments({ BG_PLAN_TEXT: variables }) + (step ? `bg_plan_step ${step.name} ${seconds(step.limitMs)} '' back ${quote(step.script)}\n` : '');
}
