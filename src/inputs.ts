import { DeployError } from './errors.js';
import { readPrivateKey, type PrivateKey } from './host/keys.js';
import { parseKnownHosts } from './host/known-hosts.js';
import { settingsSecrets } from './settings/secrets.js';
import { parseSettings, type Settings } from './settings/settings.js';

/**
 * Reads the action's inputs from the environment, as @actions/core's getInput does, without loading all of it first.
 *
 * @param env INPUT_… of the runner, and GITHUB_…
 * @throws DeployError that names everything that is wrong, the key and the known hosts too, before anything is contacted
 */
export function settingsFromInputs(env: Record<string, string | undefined>): { settings: Settings; key: PrivateKey } {
  const { GITHUB_SERVER_URL: serverUrl = 'https://github.com', GITHUB_REPOSITORY: repository = '', GITHUB_SHA: sha = '' } = env;
  const input = (name: string): string => env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '';
  const problems: DeployError[] = [];
  const attempt = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const settings = attempt(() => parseSettings(input, { serverUrl, repository, sha }));
  // That it is missing is told by the settings already.
  const key = input('private-key').trim() ? attempt(() => readPrivateKey(input('private-key'), input('passphrase'))) : undefined;
  attempt(() => parseKnownHosts(input('known-hosts')));
  if (!settings || !key || problems.length) throw allOf(problems);
  return { settings, key };
}

/** Several things that are wrong as one error. */
function allOf(errors: DeployError[]): DeployError {
  const [first] = errors;
  if (first && errors.length === 1) return first;
  const problems = errors.map(({ problem }) => problem);
  return new DeployError({
    step: 'settings',
    what: problems.map(({ what }) => what).join('; '),
    next: problems.map(({ next }) => next).join('\n'),
    settings: [...new Set(problems.flatMap(({ settings }) => settings))],
    details: problems.map(({ details }) => details).filter(Boolean).join('\n'),
  });
}

/** What the runner has to mask, which it does line by line. */
export function secretLines(settings: Settings): string[] {
  const lines = settingsSecrets(settings).flatMap((secret) => secret.split(/\r?\n/).map((line) => line.trim()));
  return [...new Set(lines)].filter((line) => line.length > 3 && !/^-+(BEGIN|END)/.test(line));
}
