import { settingsSchema } from '../../../src/settings/schema.js';
import { oneOf, textOf, type Random } from '../../random.js';

export type Name = keyof typeof settingsSchema.shape;
export const NAMES = Object.keys(settingsSchema.shape) as Name[];

/** What a shell, git, ssh, nginx, a terminal or a runner takes for more than text. */
export const PIECES = [
  ...' \t\n\r\0\x1b\x7f\x85"\'`\\$#;|&<>(){}[]*?!~^%=,:@/.-+_aZ09',
  ...['$(canary)', '`canary`', '${IFS}', '$HOME', '$$', '$(', '${', '&&', '||', '<(canary)', '>canary', '<<E', "'\\''", "';canary;'", '";canary;"', '\ncanary\n', '\r\ncanary', ' canary ', '\\\n', '*/?[!a]', '!!', '#canary'],
  ...['..', '../..', '/../', '//', '/./', '-', '--', '-rf', ' -o', '%0a', '%2d', '%00', '@{', '~1', '::', 'BG_ROOT=x', 'PATH=/x', '\x1b[31m', '\x9b31m', '\n::error::x', '##[group]'],
  ...['\ud800', '\udc00', '\ud83e\udd8a', 'ü', '\u2028', '\u202e', '\ufeff', '\u00a0', 'e\u0301', '\uffff'],
];

/** Texts that are an attack as a whole. */
const WHOLE = [
  ...['--upload-pack=canary', '-oProxyCommand=canary', '-u canary', '--', '-', '--help', '-c core.sshCommand=canary', '@{-1}', 'HEAD', 'refs/heads/-x', 'a b', '../../etc/passwd', '/etc/passwd', '/', '~/x', '.', '..'],
  ...['ext::sh -c canary', 'ext::canary', 'fd::0', '::canary', 'ssh://-oProxyCommand=canary/x', 'ssh://-oProxyCommand=canary@127.0.0.1/x', 'ssh://%2doProxyCommand=canary@127.0.0.1/x', 'git@-oProxy:x', 'git@-oProxyCommand=canary:x', '-git@host:x', 'git@host:-x'],
  ...['git@host:--upload-pack=canary', 'git@host:$(canary)', "git@host:';canary;'", 'file:///$(canary)', '/srv/`canary`', 'ssh://git@host/;canary', "ssh://a'b;canary@host/x", 'https://host/$(canary)', 'http://host/x', 'HTTPS://host/x', 'https://u:p@host/x', 'git://host/x', 'transport::address'],
  ...['$(canary)', '`canary`', ';canary', '|canary', '&canary', "'", '"', '\\', '\n', '\r', '\0', "A='$(canary)'", 'A="`canary`"', 'A=x\nB=y;canary', "A=';canary;'", 'A=x; canary', '[::1]:22', 'a@[::1%$(canary)]:22', '::stop-commands::x', '::set-output name=x::y'],
];

/** A text of 64 KB for each of these, of which some are right for some settings. */
const LONG = ['x', '/x', 'x/', 'x.', ' ', '\n', '-', '$(canary)', '\\', '🦊', '*'];

/** Right values, to be changed a little. */
const SAMPLES: Record<Name, readonly string[]> = {
  command: ['deploy', 'plan'],
  host: ['deploy@shop.example.com', 'deploy@[2001:db8::1]:2222'],
  user: ['deploy'],
  port: ['22'],
  'private-key': ['-----BEGIN KEY-----\nx\n-----END KEY-----'],
  passphrase: ['a phrase'],
  'known-hosts': ['shop.example.com ssh-ed25519 AAAA', 'SHA256:abc'],
  app: ['shop', 'shop.example-1_2'],
  root: ['/srv/shop', '/srv/a b/c'],
  repository: ['https://github.com/acme/shop.git', 'git@github.com:acme/shop.git', 'ssh://git@github.com:22/acme/shop', 'file:///srv/git/shop.git', '/srv/git/shop.git'],
  ref: ['main', 'feature/a-b', 'refs/tags/v1.2.3', 'a'.repeat(40)],
  'repository-token': ['ghx_0123456789abcdef'],
  release: ['20261122T101500Z-1a2b3c4', `20261122T101500Z-${'a'.repeat(40)}`],
  'allow-older': ['true', 'false'],
  ports: ['9501,9502', '9501\n9502'],
  listen: ['port'],
  install: ['npm ci --omit=dev', 'a\nb'],
  start: ['exec node server.js', 'a &&\nb'],
  stop: ['kill "$(cat pid)"', 'a\r\nb'],
  supervisor: ['process'],
  'port-files': ['config/app.json', 'a.ini, b.ini\nc.ini'],
  env: ['A=x', `A="x"\nB='y'\nC=z`, 'A="two\nlines"', "A='it'"],
  shared: ['storage/, data/file.db', 'a\nb'],
  standby: ['true', 'false'],
  'before-switch': ['node migrate.js'],
  'after-switch': ['curl -fsS http://127.0.0.1:$PORT/warm'],
  path: ['/opt/node/bin:/home/deploy/.local/bin', '/a b'],
  shell: ['bash', '/bin/zsh'],
  'health-path': ['/healthz', '/a?b=c&d=%20'],
  'health-status': ['200-299', '200,204'],
  'health-host': ['shop.example.com'],
  'health-timeout': ['60s'],
  'health-passes': ['2'],
  bake: ['0s', '5m'],
  'bake-errors': ['5%', '0.5'],
  switch: ['reload'],
  'nginx-upstream': ['shop', 'shop_backend.x'],
  'nginx-command': ['sudo -n /usr/sbin/nginx', 'nginx -p /x'],
  'verify-url': ['https://shop.example.com/healthz?x=1', 'http://127.0.0.1:8080/'],
  'connect-timeout': ['20s'],
  lease: ['60s'],
  retries: ['1'],
  'step-timeout': ['15m'],
  'lock-timeout': ['0s'],
  'switch-timeout': ['10s'],
  'drain-timeout': ['30s'],
  'stop-timeout': ['10s'],
  'keep-releases': ['5'],
  'github-token': ['ghs_0123456789'],
  environment: ['production'],
  'environment-url': ['https://shop.example.com'],
};

/** One text for a setting: now and then right, mostly an attack, or both. */
export function hostileText(name: Name, random: Random): string {
  const sample = oneOf(random, SAMPLES[name]);
  const piece = () => oneOf(random, PIECES);
  const into = (text: string, more: string) => {
    const at = random(text.length + 1);
    return text.slice(0, at) + more + text.slice(at);
  };
  switch (random(9)) {
    case 0:
      return textOf(random, PIECES, 6);
    case 1:
      return oneOf(random, WHOLE);
    case 2:
      return sample + piece();
    case 3:
      return piece() + sample;
    case 4:
      return into(into(into(sample, piece()), piece()), piece());
    case 5:
      return into(sample, textOf(random, PIECES, 3));
    case 6:
      return random(6) ? into(sample, oneOf(random, WHOLE)) : long(sample, random);
    default:
      return into(sample, piece());
  }
}

function long(sample: string, random: Random): string {
  const unit = oneOf(random, LONG);
  return sample + oneOf(random, PIECES) + unit.repeat(65_536 / Buffer.byteLength(unit)) + oneOf(random, PIECES);
}
