import { DeployError } from '../errors.js';
import { mergeTarget, type Target } from './host.js';
import { optional, type Parser } from './parsed.js';
import { gitRef, repositoryUrl, sameServer } from './repository.js';
import { checkTogether, type SettingProblem, type Values } from './rules.js';
import { settingsSchema } from './schema.js';
import { settingInfos } from './setting.js';

type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}` ? `${First}${Capitalize<CamelCase<Rest>>}` : Name;

type Flat = { readonly [Name in keyof Omit<Values, 'host' | 'user' | 'port'> as CamelCase<Name>]: Values[Name] };

/**
 * All settings of a run: made once, frozen, passed down. Durations are milliseconds; what was left empty and has no
 * default is `''` or an empty list. The names are the input names in camelCase.
 */
export interface Settings extends Flat {
  readonly host: Target;
}

/** What the place of the run knows: the defaults of `repository` and `ref`. Empty where there is no such thing. */
export interface SettingsContext {
  /** GITHUB_SERVER_URL, such as `https://github.com`. */
  serverUrl: string;
  /** GITHUB_REPOSITORY, such as `org/shop`. */
  repository: string;
  /** GITHUB_SHA: 40 hexadecimal digits. */
  sha: string;
}

/**
 * Reads and checks all settings.
 *
 * @param get gives the text of a setting by its input name, `''` if it is not set
 * @throws DeployError of the step `settings` that lists everything that is wrong
 */
export function parseSettings(get: (name: string) => string, context: SettingsContext): Settings {
  const problems: SettingProblem[] = [];
  const found: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(settingsSchema.shape)) {
    const result = schema.safeParse(get(name));
    if (result.success) found[name] = result.data;
    else problems.push(...result.error.issues.map(({ message }) => ({ name, message })));
  }

  const values = withDefaults(found, context, problems);
  problems.push(...checkTogether(values));
  const target = values.host && mergeTarget(values.host, values.user ?? '', values.port);
  if (Array.isArray(target)) problems.push(...target.filter(({ name }) => problems.every((problem) => problem.name !== name)));
  if (problems.length) throw settingsError(problems, get);

  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) settings[camelCase(name)] = value;
  delete settings.user;
  delete settings.port;
  return deepFreeze({ ...settings, host: target }) as Settings;
}

/** Fills in the defaults that depend on the place of the run or on another setting. */
function withDefaults(values: Partial<Values>, context: SettingsContext, problems: SettingProblem[]): Partial<Values> {
  const filled = { ...values };
  const needsCode = values.command === 'deploy' || values.command === 'plan';
  const fill = (name: 'repository' | 'ref', text: string, parse: Parser<string>) => {
    const parsed = optional('', parse)(text);
    if (values[name] !== '') return;
    if ('value' in parsed) filled[name] = parsed.value;
    else if (needsCode) {
      delete filled[name];
      problems.push({ name, message: `is not set, and its default ${shown(text)} does not do: it ${parsed.wrong.join()}` });
    }
  };
  fill('repository', context.repository && `${context.serverUrl}/${context.repository}.git`, repositoryUrl);
  fill('ref', context.sha, gitRef);

  if (values.app !== undefined && values.root === '') filled.root = `/srv/${values.app}`;
  if (values.app !== undefined && values['nginx-upstream'] === '') filled['nginx-upstream'] = values.app;
  if (isWorkflowToken(filled, context)) filled['repository-token'] = '';
  return filled;
}

/**
 * True for a repository token that is the workflow's own while the repository is on another server, which must not get to
 * see it: the one that is also `github-token` (both have the same default), or one that GitHub gave to an app (`ghs_…`).
 */
function isWorkflowToken(values: Partial<Values>, context: SettingsContext): boolean {
  const { repository = '', 'repository-token': token = '', 'github-token': githubToken } = values;
  if (sameServer(repository, context.serverUrl)) return false;
  return token === githubToken || (token.startsWith('ghs_') && !sameServer(repository, 'https://github.com'));
}

function settingsError(problems: SettingProblem[], get: (name: string) => string): DeployError {
  const names = [...new Set(problems.map(({ name }) => name))];
  const lines = problems.map(({ name, message }) => {
    const given = givenText(name, get(name));
    return `${name}: ${message}${given && ` (given: ${given})`}`;
  });
  return new DeployError({
    step: 'settings',
    what: names.length === 1 ? `The setting ${names.join()} is wrong` : `${names.length} settings are wrong: ${names.join(', ')}`,
    next: `Nothing was contacted. Correct this and run again:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    settings: names,
  });
}

/** What was given, in quotes; nothing for secrets and for what may have a password in it. */
function givenText(name: string, given: string): string {
  const schema = (settingsSchema.shape as Record<string, Parameters<typeof settingInfos.get>[0]>)[name];
  const secret = !schema || settingInfos.get(schema)?.secret;
  const from = given.search(/[:/]/);
  return secret || given === '' || (from >= 0 && given.lastIndexOf('@') > from) ? '' : shown(given);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

/** `drain-timeout` -> `drainTimeout` */
function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
