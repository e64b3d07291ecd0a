import { dirname } from 'node:path';
import { DeployError } from '../errors.js';
import { quote } from '../host/quote.js';
import { accessLogs, type AccessLogs } from '../nginx/access-log.js';
import { readConfig, type NginxConfig } from '../nginx/config.js';
import { upstreamEdit, type UpstreamEdit } from '../nginx/edit.js';
import { errorLogFile, masterPidFile, nginxVersion } from '../nginx/facts.js';
import { rootProblem } from '../nginx/managed.js';
import { trapsError, trapText } from '../nginx/trap.js';
import { keepaliveNotice } from '../nginx/keepalive.js';
import { refuseOtherWays } from '../nginx/other-ways.js';
import { visitorRoutes, type Route } from '../nginx/routes.js';
import type { Serving } from '../nginx/upstream.js';
import type { Settings } from '../settings/settings.js';
import type { Facts, Slot } from './facts.js';
import { checkListen, notSetUp, readInstantSwitch, type InstantSwitch } from './instant-facts.js';

/** What the loaded nginx configuration means for this app. */
export interface NginxFacts {
  /** How the traffic is to change over. An instant switch still asks the running nginx whether it follows (step probe). */
  mode: 'instant' | 'reload';
  /** Why that mode, for people. */
  why: string;
  /** nginx, with the configuration on disk, follows `live` by itself. */
  follows: boolean;
  /** The server lines to replace; undefined where nginx follows `live`. */
  edit: UpstreamEdit | undefined;
  /** Where to ask the running nginx what it does, and what it has to answer. */
  probes: Route[];
  probeAnswers: Record<Slot, string>;
  /** Which slots get the traffic by the configuration, while `live` is as it is. */
  serving: Serving;
  /** How nginx writes each slot's address. */
  address: Record<Slot, string>;
  /** How to ask as a visitor; undefined when `verify-url` says it. */
  route: Route | undefined;
  pidFile: string;
  errorLog: string;
  /** The folder of the main configuration file: who holds its lock may switch on this host. */
  folder: string;
  /** Where visitors' answers are written down. */
  logs: AccessLogs;
  warnings: string[];
  /** What is worth knowing, and no reason to worry. */
  notices: string[];
}

/**
 * Reads the configuration that nginx has on disk, and refuses what a switch could not be safe with.
 *
 * @param ports as they are in force, blue and green
 * @param listen where the release that gets the traffic listens
 * @throws DeployError naming file and line
 */
export function readNginx(settings: Settings, facts: Facts, ports: [number, number], listen: 'port' | 'socket'): NginxFacts {
  const { nginx } = facts;
  const config = loadedConfig(facts);
  const options = { upstream: settings.nginxUpstream, ports, isLocal: (address: string) => facts.addresses.includes(address) };
  const found = readInstantSwitch(settings, facts, config, ports);
  checkListen(settings, facts, found, listen);
  const common = {
    pidFile: masterPidFile(config, asCalled(nginx)),
    errorLog: errorLogFile(config, asCalled(nginx)),
    folder: dirname(config.main),
  };
  if (found.form) return { ...common, ...following(settings, facts, config, found) };
  if (settings.switch === 'instant') throw notSetUp(settings, found.why);
  const edit = upstreamEdit(config, options);
  refuseOtherWays(config, options, found.managed.http.path);
  checkWritable(settings, facts, config, edit);
  return {
    ...common,
    mode: 'reload',
    why: settings.switch === 'reload' ? 'the setting switch says so' : rootProblem(settings.root) || `${found.why} (command: setup makes the switch instant)`,
    follows: false,
    edit,
    probes: [],
    probeAnswers: { blue: '', green: '' },
    serving: edit.serving,
    address: edit.address,
    route: settings.verifyUrl ? undefined : visitorRoute(settings, facts, config, [settings.nginxUpstream]),
    warnings: edit.others.length ? [`the upstream ${settings.nginxUpstream} has other servers, which stay as they are: ${edit.others.join(' ')}`] : [],
    logs: accessLogs(config, { upstreams: [settings.nginxUpstream], nginxV: asCalled(nginx) }),
    notices: keepaliveNotice(config, { version: nginxVersion(nginx.version), before: nginx.versionBefore }),
  };
}

/**
 * The configuration as it is on disk, of an nginx that runs.
 *
 * @throws DeployError when it cannot be read, or nginx does not run
 */
export function loadedConfig(facts: Facts): NginxConfig {
  const { nginx } = facts;
  if (nginx.status !== 0 || !nginx.dump) throw cannotRead(facts);
  if (!nginx.running) {
    throw new DeployError({
      step: 'survey',
      what: 'nginx is not running',
      next: 'Start it (for example: systemctl start nginx). Nothing was changed.',
      settings: ['nginx-command'],
    });
  }
  return readConfig(nginx.dump);
}

/** nginx is set up to follow `live`: there is no line to edit. */
function following(settings: Settings, facts: Facts, config: NginxConfig, found: InstantSwitch): Omit<NginxFacts, 'pidFile' | 'errorLog' | 'folder'> {
  const { managed, form } = found;
  if (found.facts.traps.length) throw trapsError(found.facts.traps);
  const asked = settings.switch === 'reload';
  return {
    mode: asked ? 'reload' : 'instant',
    why: asked ? 'the setting switch says so' : `${managed.http.path} makes nginx follow ${settings.root}/live`,
    follows: true,
    edit: undefined,
    probes: found.facts.probes,
    probeAnswers: managed.probeAnswers,
    // Without `live` the variable has its first value.
    serving: facts.live || (form === 'port' ? 'blue' : 'none'),
    address: { blue: '127.0.0.1', green: '127.0.0.1' },
    route: settings.verifyUrl ? undefined : visitorRoute(settings, facts, config, managed.upstreams),
    warnings: found.facts.warnings.map(trapText),
    logs: accessLogs(config, { upstreams: managed.upstreams, nginxV: asCalled(facts.nginx) }),
    notices: [],
  };
}

/** What nginx says of how it was built, with a prefix of the command itself in place of the built-in one. */
export function asCalled({ command, version }: Facts['nginx']): string {
  const prefix = /\s-p\s*(\S+)/.exec(command)?.[1];
  return prefix ? version.replace(/--prefix=\S+/, '').concat(` --prefix=${prefix}`) : version;
}

function cannotRead(facts: Facts): DeployError {
  const { command, said } = facts.nginx;
  const sudo = /sudo/.test(command) && /password|not allowed|not found|sudoers|terminal/.test(said);
  return new DeployError({
    step: 'survey',
    what: `\`${command} -T\` failed, so the nginx configuration cannot be read`,
    next: sudo
      ? [
          `Let the user ${facts.user} call nginx, with exactly these arguments. As root: visudo -f /etc/sudoers.d/bluegreen, with the line`,
          `  ${facts.user} ALL=(root) NOPASSWD: ${['-T', '-t', '-s reload'].map((args) => `${sudoersCommand(command)} ${args}`).join(', ')}`,
          'Where nginx is set up for an instant switch (command: setup) the first of the three is enough.',
        ].join('\n')
      : 'Mend what nginx says below; nginx has to be installed, and its configuration has to pass `nginx -t`, before a deploy can begin.',
    settings: ['nginx-command'],
    details: said,
  });
}

/** The command as a sudoers line names it: without sudo, and with what has a meaning there escaped (sudoers(5)). */
function sudoersCommand(command: string): string {
  return command.replace(/^sudo\s+(-n\s+)?/, '').replace(/[,:=\\]/g, '\\$&');
}

/** For a reload the user has to be able to write the file of the server lines and its folder. */
function checkWritable(settings: Settings, facts: Facts, config: NginxConfig, edit: UpstreamEdit): void {
  const file = facts.nginx.files.find(({ path }) => path === edit.file);
  if (!file || file.writable) return;
  const folder = `/etc/nginx/${settings.app}`;
  const own = (config.files.get(edit.file) ?? '').includes('upstream')
    ? [
        'give its server lines a file and a folder of their own which that user may write. As root, on the host:',
        `  install -d -o ${facts.user} ${folder}`,
        `  printf '%s\\n' ${serverLinesOf(edit).map(quote).join(' ')} > ${folder}/servers.conf`,
        `  chown ${facts.user} ${folder}/servers.conf`,
        `In ${edit.file}, line ${edit.line}, put this line into the upstream, in place of its server lines:`,
        `  include ${folder}/servers.conf;`,
        'Then: nginx -t && nginx -s reload',
      ]
    : ['let that user own both. As root, on the host:', `  chown ${facts.user} ${dirname(file.realPath)} ${file.realPath}`];
  const [first = '', ...rest] = own;
  const next =
    settings.switch === 'reload'
      ? [`${first[0]?.toUpperCase()}${first.slice(1)}`, ...rest]
      : [
          'Run this workflow once with `command: setup` and do what it says: the switch is instant then, without a reload, and no deploy writes a file of nginx.',
          `Or, to switch by a reload, ${first}`,
          ...rest,
        ];
  throw new DeployError({
    step: 'survey',
    what: `the user ${facts.user} cannot write ${file.realPath} and its folder, where the server lines of the upstream ${settings.nginxUpstream} stand`,
    next: next.join('\n'),
    settings: ['switch', 'user', 'nginx-upstream'],
  });
}

/** The server lines as they stand now, so that nothing changes when they move. */
function serverLinesOf(edit: UpstreamEdit): string[] {
  return edit.region.match(/\bserver\s+[^;{}#]+;/g) ?? [];
}

function visitorRoute(settings: Settings, facts: Facts, config: NginxConfig, upstreams: string[]): Route {
  const routes = upstreams.flatMap((upstream) => visitorRoutes(config, { upstream, healthPath: settings.healthPath }));
  const route = routes.find(({ scheme }) => scheme === 'http' || facts.tools.has('curl'));
  if (route) return route;
  if (routes.length) {
    throw new DeployError({
      step: 'survey',
      what: `the site of ${settings.app} is served over TLS only, and asking it needs curl, which is not on the host`,
      next: 'Install curl on the host, or set verify-url to a plain http address that leads to the app.',
      settings: ['verify-url'],
    });
  }
  throw new DeployError({
    step: 'survey',
    what: `no server block of nginx leads to the upstream ${settings.nginxUpstream}`,
    next: `Let one do so: location / { proxy_pass http://${settings.nginxUpstream}; } — or set verify-url to the address of the app.`,
    settings: ['nginx-upstream', 'verify-url'],
  });
}
