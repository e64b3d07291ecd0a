import { expect, test } from '@jest/globals';
import { DeployError } from '../../../src/errors.js';
import { envVariables } from '../../../src/settings/env.js';
import { settingsSchema } from '../../../src/settings/schema.js';
import { parseSettings } from '../../../src/settings/settings.js';
import { oneOf, seeded, textOf } from '../../random.js';

const NAMES = Object.keys(settingsSchema.shape);
const NEEDED: Record<string, string> = { host: 'deploy@shop', 'private-key': 'KEY', app: 'shop', start: 'node server.js' };
const HERE = { serverUrl: 'https://github.com', repository: 'org/shop', sha: 'a'.repeat(40) };

/** Pieces that parsers stumble over, and some that they take. */
const PIECES = [
  ...' \t\r\n\0\x1b\x7f"\'\\$`#=,:;/@.-_%?*[]{}()<>|&~^+!0129azAZ',
  ...['..', '//', '::', '@{', '.lock', '%0a', 'ext::', 'https://', 'ssh://', 'file://', 'git@', '[::1]', 'PORT=', 'PATH', 'A=', '="', "='", '\\"', '\ud800', '\udc00', '🦊', 'ü', '\u2028', '\ufeff'],
  ...['30s', '5m', '500ms', '9501,9502', '200-299', 'true', 'deploy', 'rollback', 'status', 'command', 'process', '/srv/shop', 'main', '__proto__', 'constructor', 'x'.repeat(300), '9'.repeat(30)],
];

test('whatever the settings are, the parser takes them or throws a DeployError that names settings only', () => {
  const random = seeded(20261122);
  let taken = 0;
  for (let round = 0; round < 4000; round++) {
    const given: Record<string, string> = { ...NEEDED };
    for (let changes = random(4); changes >= 0; changes--) given[oneOf(random, NAMES)] = textOf(random, PIECES, 6);
    const context = random(4) ? HERE : { serverUrl: textOf(random, PIECES, 4), repository: textOf(random, PIECES, 4), sha: textOf(random, PIECES, 4) };
    try {
      expect(Object.isFrozen(parseSettings((name) => given[name] ?? '', context))).toBe(true);
      taken++;
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      expect(error.problem.step).toBe('settings');
      expect(error.problem.settings.length).toBeGreaterThan(0);
      expect(error.problem.settings.filter((name) => !NAMES.includes(name))).toEqual([]);
    }
  }
  // Both ways must have been tried often.
  expect(taken).toBeGreaterThan(100);
  expect(taken).toBeLessThan(3900);
});

test('what env takes is what was written: any value comes back through either kind of quotes', () => {
  const random = seeded(7);
  for (let round = 0; round < 2000; round++) {
    const value = textOf(random, PIECES, 8);
    const double = `A="${value.replace(/[\\"$]/g, '\\$&')}"\nB=end`;
    expect(envVariables(double)).toEqual({ value: [{ name: 'A', value }, { name: 'B', value: 'end' }] });
    const single = value.replace(/'/g, '');
    expect(envVariables(`A='${single}'\nB=end`)).toEqual({ value: [{ name: 'A', value: single }, { name: 'B', value: 'end' }] });
    const bare = value.replace(/\n/g, '').trim();
    if (!/^['"]/.test(bare)) expect(envVariables(`A=${bare}\nB=end`)).toEqual({ value: [{ name: 'A', value: bare }, { name: 'B', value: 'end' }] });
  }
});

test('no message about env holds a piece of it', () => {
  const random = seeded(99);
  const marked = () => `${textOf(random, PIECES, 3)}hunter2${textOf(random, PIECES, 3)}`;
  for (let round = 0; round < 2000; round++) {
    const parsed = envVariables(Array.from({ length: 1 + random(4) }, marked).join('\n'));
    if ('wrong' in parsed) expect(parsed.wrong.join()).not.toContain('hunter2');
  }
});
