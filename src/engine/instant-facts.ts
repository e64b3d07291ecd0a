import { dirname } from 'node:path';
import { DeployError } from '../errors.js';
import type { NginxConfig } from '../nginx/config.js';
import { nginxVersion } from '../nginx/facts.js';
import { readInstant, type InstantFacts } from '../nginx/instant.js';
import type { InstantOptions } from '../nginx/trap.js';
import { checkRoot, managedFiles, rootProblem, type Managed } from '../nginx/managed.js';
import type { Settings } from '../settings/settings.js';
import type { Facts } from './facts.js';

type Listen = 'port' | 'socket';

/** Whether nginx is set up to follow `live`, and for what. */
export interface InstantSwitch {
  /** For apps on ports or on sockets; '' when it is not set up. */
  form: Listen | '';
  /** Why it is not, for people. */
  why: string;
  managed: Managed;
  facts: InstantFacts;
}

/** Looks for the managed files of either form in the configuration. Nothing is refused yet but a root that the settings do not go with. */
export function readInstantSwitch(settings: Settings, facts: Facts, config: NginxConfig, ports: [number, number]): InstantSwitch {
  const problem = rootProblem(settings.root);
  if (settings.switch === 'instant' || settings.listen === 'socket') checkRoot(settings.root);
  const read = (listen: Listen): InstantSwitch => {
    const managed = managedFilesFor(settings, facts, config, ports, listen);
    const found = readInstant(config, managed, instantOptions(settings, facts, ports));
    return { form: found.setUp && !problem ? listen : '', why: problem || found.why, managed, facts: found };
  };
  const socket = read('socket');
  return socket.form || (settings.listen === 'socket' && settings.switch !== 'reload') ? socket : read('port');
}

/** What reading the configuration needs to know of the app and the host. */
export function instantOptions(settings: Settings, facts: Facts, ports: [number, number]): InstantOptions {
  return { upstream: settings.nginxUpstream, ports, isLocal: (address) => facts.addresses.includes(address), root: settings.root, curl: facts.tools.has('curl') };
}

/** The managed files as they should be on this host. */
export function managedFilesFor(settings: Settings, facts: Facts, config: NginxConfig, ports: [number, number], listen: Listen): Managed {
  const { app, root, nginxUpstream: upstream } = settings;
  return managedFiles({ app, root, listen, upstream, ports, folder: dirname(config.main), version: nginxVersion(facts.nginx.version) });
}

/**
 * What nginx is set up for and where the release listens have to fit.
 *
 * @param listen where the release that gets the traffic listens
 * @throws DeployError when they do not
 */
export function checkListen(settings: Settings, facts: Facts, { form, why }: InstantSwitch, listen: Listen): void {
  if (listen === 'socket' && form !== 'socket') throw notSetUp(settings, why);
  // What listens on a port is reached by the backup lines then, which tell two such releases not apart.
  const live = facts.live && facts.slots[facts.live];
  if (form === 'socket' && listen === 'port' && live && live.listen === 'port') {
    throw new DeployError({
      step: 'survey',
      what: `nginx is set up for an app that listens on a Unix socket, and this release listens on a port`,
      next: 'Set listen: socket (the app listens on $SOCKET then), or run command: setup with listen: port first.',
      settings: ['listen'],
    });
  }
}

/** The error of a host that is not prepared for what the settings ask for. */
export function notSetUp(settings: Settings, why: string): DeployError {
  const wanted = settings.listen === 'socket' ? 'listen: socket' : 'switch: instant';
  return new DeployError({
    step: 'survey',
    what: `nginx is not set up for ${wanted} of ${settings.app}: ${why}`,
    next: `Run once with command: setup${settings.listen === 'socket' ? ' and listen: socket' : ''}: it prepares nginx when it logs in as root, else it prints what to do as root. Without that, ${settings.listen === 'socket' ? 'let the app listen on $PORT (listen: port)' : 'leave out switch, and nginx is reloaded at each switch'}.`,
    settings: ['switch', 'listen'],
  });
}
