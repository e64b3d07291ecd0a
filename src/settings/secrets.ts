import type { Settings } from './settings.js';

/** Shorter values are words like `on` or `80`: hiding them would hide half of every log. */
const SHORTEST_ENV_SECRET = 4;

/** Nor are these secrets: a port or a number of workers, and words that stand everywhere. */
const PLAIN = /^(\d{1,6}|true|false|none|null|prod|production|development|staging|test|debug|info|warn|warning|error|localhost|127\.0\.0\.1)$/i;

/**
 * Every text in the settings that no log, report or message may show: the key, its passphrase, the tokens and the
 * values of `env` with four characters or more that are no plain number or word. Longest first, so that a secret inside another one leaves no rest.
 */
export function settingsSecrets(settings: Settings): string[] {
  const values = settings.env.map(({ value }) => value).filter((value) => value.length >= SHORTEST_ENV_SECRET && !PLAIN.test(value));
  const secrets = [settings.privateKey, settings.privateKey.trim(), settings.passphrase, settings.repositoryToken, settings.githubToken, ...values];
  return [...new Set(secrets)].filter((secret) => secret.trim() !== '').sort((a, b) => b.length - a.length);
}
