import { describe, expect, jest, test } from '@jest/globals';
import { runAction } from '../../testbed/runner.mjs';

jest.setTimeout(60_000);

describe('wrong settings are reported all at once, before anything is contacted', () => {
  test('the settings, the key and the known hosts', async () => {
    const run = await runAction({ host: 'deploy@192.0.2.1', app: 'a b', 'private-key': 'ssh-ed25519 AAAAC3Nza me@here', 'known-hosts': 'nonsense', ports: '80', start: '', 'health-timeout': 'soon' });
    expect(run.code).toBe(1);
    for (const name of ['app', 'ports', 'start', 'health-timeout', 'private-key', 'known-hosts']) expect(run.log).toContain(name);
    expect(run.log).toContain('public key');
    expect(run.ms).toBeLessThan(20_000);
  });

  test('nothing given at all: what is required', async () => {
    const run = await runAction({});
    expect(run.code).toBe(1);
    for (const name of ['host', 'app', 'private-key', 'start']) expect(run.log).toContain(name);
  });
});
