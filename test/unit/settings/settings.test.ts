import { describe, expect, test } from '@jest/globals';
import { DeployError, problemText } from '../../../src/errors.js';
import { settingsSecrets } from '../../../src/settings/secrets.js';
import { parseSettings, type Settings } from '../../../src/settings/settings.js';

const SHA = '1a2b3c4d'.repeat(5);
const HERE = { serverUrl: 'https://github.com', repository: 'org/shop', sha: SHA };
const NOWHERE = { serverUrl: '', repository: '', sha: '' };
const NEEDED = { host: 'deploy@shop.example.com', 'private-key': 'KEY', app: 'shop', start: 'node server.js' };

function read(given: Record<string, string> = {}, context = HERE): Settings {
  const texts: Record<string, string> = { ...NEEDED, ...given };
  return parseSettings((name) => texts[name] ?? '', context);
}

/** The error that wrong settings give. */
function failure(given: Record<string, string>, context = HERE): DeployError {
  try {
    read(given, context);
  } catch (error) {
    expect(error).toBeInstanceOf(DeployError);
    return error as DeployError;
  }
  throw new Error('these settings were taken');
}

test('with the least that is needed, all the rest has its default', () => {
  expect(read()).toEqual({
    command: 'deploy',
    host: { host: 'shop.example.com', user: 'deploy', port: 22 },
    privateKey: 'KEY',
    passphrase: '',
    knownHosts: '',
    app: 'shop',
    root: '/srv/shop',
    repository: 'https://github.com/org/shop.git',
    ref: SHA,
    repositoryToken: '',
    release: '',
    allowOlder: false,
    ports: [9501, 9502],
    listen: 'port',
    install: '',
    start: 'node server.js',
    stop: '',
    supervisor: 'process',
    portFiles: [],
    env: [],
    shared: [],
    standby: false,
    beforeSwitch: '',
    afterSwitch: '',
    path: '',
    shell: '',
    healthPath: '/',
    healthStatus: [{ from: 200, to: 299 }],
    healthHost: '',
    healthTimeout: 60_000,
    healthPasses: 2,
    bake: 0,
    bakeErrors: 5,
    switch: '',
    nginxUpstream: 'shop',
    nginxCommand: '',
    verifyUrl: '',
    connectTimeout: 20_000,
    lease: 60_000,
    retries: 1,
    stepTimeout: 900_000,
    lockTimeout: 900_000,
    switchTimeout: 10_000,
    drainTimeout: 30_000,
    stopTimeout: 10_000,
    keepReleases: 5,
    githubToken: '',
    environment: '',
    environmentUrl: '',
  });
});

test('every setting arrives as what it means', () => {
  const given = {
    host: 'shop.example.com',
    user: 'root',
    port: '2222',
    'private-key': '\n KEY\n',
    passphrase: ' a b ',
    'known-hosts': 'shop ssh-ed25519 AAAA\r\nSHA256:abc\n',
    root: '/opt/my shop/',
    repository: 'git@github.com:org/other.git',
    ref: 'main',
    'allow-older': 'true',
    ports: '8001, 8002',
    install: 'npm ci\r\nnpm run build\n',
    stop: 'bin/stop',
    supervisor: 'command',
    'port-files': 'a.conf, b.conf',
    env: '\nA=1\nB=" x "',
    shared: 'storage\n.env',
    'before-switch': 'migrate',
    'after-switch': 'warm',
    path: '/opt/bin',
    shell: '/bin/bash',
    'health-path': '/healthz',
    'health-status': '200,204',
    'health-host': 'shop.example.com',
    'health-timeout': '500ms',
    'health-passes': '3',
    listen: 'socket',
    standby: 'true',
    bake: '30s',
    'bake-errors': '0.5 %',
    switch: 'instant',
    'nginx-upstream': 'shop_backend',
    'nginx-command': 'sudo -n /usr/local/sbin/nginx',
    'verify-url': 'https://shop.example.com/healthz',
    'lock-timeout': '0s',
    'drain-timeout': '0',
    'stop-timeout': '0s',
    'switch-timeout': '1h',
    'keep-releases': '1000',
    environment: 'production',
    'environment-url': 'https://shop.example.com',
  };
  expect(read(given)).toMatchObject({
    host: { host: 'shop.example.com', user: 'root', port: 2222 },
    privateKey: '\n KEY\n',
    passphrase: ' a b ',
    knownHosts: 'shop ssh-ed25519 AAAA\nSHA256:abc',
    root: '/opt/my shop',
    repository: 'git@github.com:org/other.git',
    ref: 'main',
    allowOlder: true,
    ports: [8001, 8002],
    install: 'npm ci\nnpm run build',
    stop: 'bin/stop',
    supervisor: 'command',
    portFiles: ['a.conf', 'b.conf'],
    env: [{ name: 'A', value: '1' }, { name: 'B', value: ' x ' }],
    shared: ['storage', '.env'],
    shell: '/bin/bash',
    healthStatus: [{ from: 200, to: 200 }, { from: 204, to: 204 }],
    healthTimeout: 500,
    listen: 'socket',
    standby: true,
    bake: 30_000,
    bakeErrors: 0.5,
    switch: 'instant',
    nginxUpstream: 'shop_backend',
    nginxCommand: 'sudo -n /usr/local/sbin/nginx',
    lockTimeout: 0,
    drainTimeout: 0,
    stopTimeout: 0,
    switchTimeout: 3_600_000,
    keepReleases: 1000,
    environment: 'production',
  });
});

test('the result is frozen, all the way down', () => {
  const settings = read({ env: 'A=1', shared: 'a' });
  for (const part of [settings, settings.host, settings.ports, settings.env, settings.env[0], settings.shared, settings.healthStatus[0]]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

describe('wrong settings', () => {
  test('are reported all at once, each with its name, what would be right, and what was given', () => {
    const { problem } = failure({ app: 'my shop', ports: '80', 'health-path': 'healthz', env: 'A=1\nhunter2', command: 'deplyo', 'keep-releases': '0' });
    expect(problem.step).toBe('settings');
    expect(problem.settings).toEqual(['command', 'app', 'ports', 'env', 'health-path', 'keep-releases']);
    expect(problem.what).toBe('6 settings are wrong: command, app, ports, env, health-path, keep-releases');
    expect(problem.next.split('\n')).toEqual([
      'Nothing was contacted. Correct this and run again:',
      '  command: must be deploy, rollback, status, plan or setup; did you mean deploy? (given: "deplyo")',
      expect.stringMatching(/^ {2}app: must be 1 to 63 letters.* \(given: "my shop"\)$/),
      '  ports: must be two different ports between 1 and 65535, such as 9501,9502 (given: "80")',
      '  env: line 2: must be KEY=value; a value of several lines needs quotes around it',
      expect.stringMatching(/^ {2}health-path: must begin with \/ .* \(given: "healthz"\)$/),
      '  keep-releases: must be a whole number between 1 and 1000 (given: "0")',
    ]);
    expect(problemText(problem)).not.toContain('hunter2');
  });

  test('one alone is named in the first line', () => {
    expect(failure({ app: '' }).problem).toMatchObject({ what: 'The setting app is wrong', settings: ['app'], next: expect.stringMatching(/\n {2}app: is missing$/) });
  });

  test('all that is needed is asked for at once', () => {
    const { problem } = failure({ host: ' ', 'private-key': ' \n', app: '', start: '' }, NOWHERE);
    expect(problem.settings).toEqual(['host', 'private-key', 'app', 'start', 'repository', 'ref']);
    expect(problem.next.match(/is missing/g)).toHaveLength(6);
  });

  test('rules between settings are told along with the others', () => {
    expect(failure({ ports: 'x', host: 'a@b', user: 'c', stop: 'x' }).problem.settings).toEqual(['ports', 'stop', 'user']);
  });

  test('a wrong user is not also called missing', () => {
    expect(failure({ host: 'shop', user: '-l' }).problem.next.match(/user: /g)).toHaveLength(1);
  });

  test.each([
    ['private-key', 'hunter2\0'],
    ['passphrase', 'hunter2\0'],
    ['env', 'hunter2\0'],
    ['repository-token', 'hunter2\nx'],
    ['github-token', 'hunter2\nx'],
    ['repository', 'https://hunter2@github.com/a/b'],
    ['repository', 'https://u:hunter2@github.com/a/b'],
    ['repository', 'ssh://git:hunter2@github.com/a/b'],
    ['repository', 'git:hunter2@github.com:a/b'],
    ['verify-url', 'https://u:hunter2@shop/'],
    ['environment-url', 'https://u:hun/ter2@shop/'],
    ['host', 'deploy:hunter2@shop'],
  ])('what was given is not shown where it may be a secret: %s %j', (name, text) => {
    expect(failure({ [name]: text }).problem.settings).toEqual([name]);
    expect(JSON.stringify(failure({ [name]: text }).problem)).not.toMatch(/hunter2|hun.ter2/);
  });

  test('what was given is shown on one line, cut to a bearable length', () => {
    const { next } = failure({ environment: `a\n::error::b${'x'.repeat(500)}` }).problem;
    expect(next).toMatch(/\(given: "a\\n::error::bx{60,70}…"\)$/);
    expect(next.split('\n')).toHaveLength(2);
  });

  test.each(['\0', '\ud800', 'a\udc00b'])('NUL and half surrogate pairs are refused everywhere: %j', (bad) => {
    for (const name of ['install', 'start', 'private-key', 'passphrase', 'known-hosts', 'env', 'shared', 'environment', 'nginx-command']) {
      expect(failure({ [name]: `A=x${bad}y` }).problem).toMatchObject({ settings: [name], next: expect.stringContaining('NUL') });
    }
    expect(read({ install: 'echo 🦊' }).install).toBe('echo 🦊');
  });

  test.each([
    ['app', ['a b', '-a', '.a', '_a', 'a/b', 'x'.repeat(64), 'ä', 'a\nb', '$(id)']],
    ['root', ['/', '/etc', 'srv', '/srv/../x']],
    ['port', ['0', 'ssh']],
    ['repository', ['ext::sh', '-x', 'org/shop']],
    ['ref', ['-x', 'a..b']],
    ['release', ['../x', '20261122T101500Z', '20261122T101500Z-1A2B3C4', '20261122T101500Z-1a2b3c', '2026112T101500Z-1a2b3c4']],
    ['allow-older', ['yes']],
    ['supervisor', ['systemd']],
    ['port-files', ['/etc/x', '../x']],
    ['shared', ['-x', 'a/..']],
    ['path', ['~/bin']],
    ['shell', ['bash -l', '-c', '/bin/sh;x', "b'sh", './sh']],
    ['health-path', ['x', '/a b']],
    ['health-status', ['2xx']],
    ['health-host', ['a b', 'http://a']],
    ['health-timeout', ['soon', '0s', '99ms', '25h']],
    ['health-passes', ['0', '101', '1.5']],
    ['nginx-upstream', ['a b', 'a;b', 'a{', '}', 'a"', "a'", 'a\nb', '$a', 'a#', 'a\\']],
    ['nginx-command', ['nginx\nid', 'nginx\x1b']],
    ['verify-url', ['shop', 'file:///x']],
    ['connect-timeout', ['0']],
    ['step-timeout', ['0']],
    ['lock-timeout', ['-1']],
    ['switch-timeout', ['0']],
    ['drain-timeout', ['25h']],
    ['stop-timeout', ['x']],
    ['keep-releases', ['0', '1001']],
    ['environment', ['a\nb', 'x'.repeat(256)]],
    ['environment-url', ['ftp://x/']],
  ])('%s refuses what it cannot be', (name, texts) => {
    const rollback: Record<string, string> = name === 'release' ? { command: 'rollback' } : {};
    for (const text of texts) expect([text, failure({ ...rollback, [name]: text }).problem.settings]).toEqual([text, [name]]);
  });
});

describe('what a command needs', () => {
  const BARE = { start: '', command: 'status' };

  test('status needs host, key and app alone', () => {
    expect(read(BARE, NOWHERE)).toMatchObject({ command: 'status', root: '/srv/shop', repository: '', ref: '' });
    expect(failure({ ...BARE, host: '', 'private-key': '', app: '' }, NOWHERE).problem.settings).toEqual(['host', 'private-key', 'app']);
  });

  test('rollback does not need start, and takes a release', () => {
    const release = '20261122T101500Z-1a2b3c4';
    expect(read({ start: '', command: 'rollback', release }, NOWHERE)).toMatchObject({ command: 'rollback', release, start: '' });
    expect(read({ start: '', command: 'rollback' }).release).toBe('');
  });

  test.each(['deploy', 'plan'])('%s needs start, and does not take a release', (command) => {
    expect(failure({ command, start: '' }).problem.settings).toEqual(['start']);
    expect(failure({ command, release: '20261122T101500Z-1a2b3c4' }).problem.next).toContain(`release: is for command: rollback; choose what to ${command} with ref`);
  });

  test.each(['deploy', 'plan', 'rollback'])('%s with supervisor: command needs stop', (command) => {
    expect(failure({ command, supervisor: 'command' }).problem.settings).toEqual(['stop']);
    expect(read({ command, supervisor: 'command', stop: 'bin/stop' }).stop).toBe('bin/stop');
  });

  test('a rollback that leaves start to the host leaves stop to it too', () => {
    expect(read({ command: 'rollback', supervisor: 'command', start: '' }).supervisor).toBe('command');
  });

  test.each(['deploy', 'plan', 'rollback'])('%s with supervisor: process refuses stop, and says what to do', (command) => {
    expect(failure({ command, stop: 'bin/stop' }).problem.next).toContain('Remove stop, or set supervisor: command');
  });
});

describe('the place of the run', () => {
  test('a given repository and ref win over it', () => {
    expect(read({ repository: '/srv/git/shop.git', ref: 'main' }, NOWHERE)).toMatchObject({ repository: '/srv/git/shop.git', ref: 'main' });
  });

  test('a default that cannot be used is told, where it is needed', () => {
    const http = { ...HERE, serverUrl: 'http://ghes.internal' };
    expect(failure({}, http).problem.next).toContain('repository: is not set, and its default "http://ghes.internal/org/shop.git" does not do: it must use https');
    expect(read({ command: 'rollback' }, http).repository).toBe('');
    expect(failure({}, { ...HERE, sha: '-x' }).problem.settings).toEqual(['ref']);
  });

  test("the workflow's token goes to its own server only", () => {
    const both = { 'repository-token': 'ghs_workflow', 'github-token': 'ghs_workflow' };
    expect(read(both).repositoryToken).toBe('ghs_workflow');
    for (const repository of ['https://gitlab.example.com/a/b', 'https://github.com.evil.example/a/b', 'git@github.com:a/b', '/srv/x.git']) {
      expect(read({ ...both, repository })).toMatchObject({ repositoryToken: '', githubToken: 'ghs_workflow' });
      expect(read({ ...both, repository, 'github-token': 'pat_mine' }).repositoryToken).toBe('');
    }
    const alike = { 'repository-token': 'alike', 'github-token': 'alike', repository: 'https://gitlab.example.com/a/b' };
    expect(read(alike).repositoryToken).toBe('');
    expect(read({ ...both, repository: 'https://gitlab.example.com/a/b', 'repository-token': 'glpat' }).repositoryToken).toBe('glpat');
    const enterprise = { ...HERE, serverUrl: 'https://ghes.example.com' };
    expect(read({ repository: 'https://github.com/a/b', 'repository-token': 'ghs_app', 'github-token': 'ghs_workflow' }, enterprise).repositoryToken).toBe('ghs_app');
  });
});

test('secrets are the key, its passphrase, the tokens and the values of env with four characters or more, longest first', () => {
  const settings = read({ 'private-key': 'THE KEY\n', passphrase: 'open', 'repository-token': 'tokenA', 'github-token': 'tokenB', env: 'A=on\nB=four\nC=longer value\nD=four\nE=123' });
  expect(settingsSecrets(settings)).toEqual(['longer value', 'THE KEY\n', 'THE KEY', 'tokenA', 'tokenB', 'open', 'four']);
  expect(settingsSecrets(read({ env: `A='    '` }))).toEqual(['KEY']);
});

describe('a Unix socket to listen on', () => {
  test('does not go with a switch by reload', () => {
    expect(() => read({ listen: 'socket', switch: 'reload' })).toThrow('The setting switch is wrong');
  });

  test('needs a path that is short enough for the kernel', () => {
    const root = `/srv/${'x'.repeat(107 - '/srv//slots/green/app.sock'.length)}`;
    expect(read({ listen: 'socket', root }).listen).toBe('socket');
    expect(() => read({ listen: 'socket', root: `${root}x` })).toThrow('The setting root is wrong');
    expect(read({ root: `${root}x` }).listen).toBe('port');
  });
});
