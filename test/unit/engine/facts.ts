import { gzipSync } from 'node:zlib';
import { readFacts, type Facts } from '../../../src/engine/facts.js';
import { parseSettings, type Settings } from '../../../src/settings/settings.js';

export const sha = (digit: string): string => digit.repeat(40);

const nginxConf = (server: string): string => `# configuration file /etc/nginx/nginx.conf:
events {}
http {
  upstream shop { ${server} }
  server { listen 80; server_name shop.example.com; location / { proxy_pass http://shop; } }
}

`;

/** Facts as the agent would send them, encoded and read again. */
export function factsOf(known: Record<string, string | string[]> = {}, server = 'server 127.0.0.1:9501;'): Facts {
  const all: Record<string, string | string[]> = {
    user: 'deploy',
    uid: '1000',
    home: '/home/deploy',
    time: '20261122T101500Z',
    addresses: '10.0.0.5 ',
    tools: ' git flock setsid curl wget awk sed gzip',
    disk: '9000000 4096 900000',
    commit: sha('a'),
    'nginx.command': 'sudo -n /usr/sbin/nginx',
    'nginx.status': '0',
    'nginx.dump': nginxConf(server),
    'nginx.version': 'nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/usr/share/nginx --pid-path=/run/nginx.pid',
    'nginx.running': 'yes',
    'nginx.files': '/etc/nginx/nginx.conf\t/etc/nginx/nginx.conf\tyes\t123 45',
    ...(typeof known.ledger === 'string' && { waslive: wereLive(known.ledger) }),
    ...known,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((text) => text.includes('\n') ? `${name} +\n${text}\nMARK` : `${name} =${text}`));
  return readFacts(gzipSync(lines.join('\n')).toString('base64'), 'MARK');
}

/** As the agent's survey reads it out of the ledger. */
function wereLive(ledger: string): string {
  return [...new Set([...ledger.matchAll(/"liveRelease":"([^"]+)"/g)].map(([, id]) => id))].join('\n');
}

/** A host on which `one` was live and `two` is, in the blue slot. */
export function afterTwoDeploys(known: Record<string, string | string[]> = {}): Facts {
  const release = (id: string, commit: string) => JSON.stringify({ id, sha: commit, ref: 'main', recipe: null });
  return factsOf(
    {
      root: 'writable',
      live: 'slots/blue',
      'slot.blue.release': two,
      'slot.blue.sha': sha('b'),
      'slot.blue.port': '9501',
      'slot.blue.supervisor': 'process',
      'slot.blue.alive': 'yes',
      'slot.blue.healthy': '200',
      'slot.green.release': one,
      'slot.green.sha': sha('c'),
      'slot.green.port': '9502',
      'slot.green.supervisor': 'process',
      'listener.9501': 'user deploy',
      release: [release(one, sha('c')), release(two, sha('b'))],
      ledger: [ledgerLine('deploy', one), ledgerLine('deploy', two)].join('\n'),
      ...known,
    },
    'server 127.0.0.1:9501;',
  );
}

export const one = '20261120T090000Z-ccccccc';
export const two = '20261121T090000Z-bbbbbbb';

export const ledgerLine = (command: string, release: string, live = release, outcome = 'success'): string =>
  JSON.stringify({ run: 'r', command, release, sha: sha('c'), outcome, liveRelease: live, ended: '2026-11-21T09:00:00Z', actor: 'ada' });

export function settingsOf(inputs: Record<string, string> = {}): Settings {
  const given: Record<string, string> = { host: 'deploy@shop.example.com', 'private-key': 'key', app: 'shop', start: 'node server.js', ref: sha('a'), ...inputs };
  return parseSettings((name) => given[name] ?? '', { serverUrl: 'https://github.com', repository: 'acme/shop', sha: sha('a') });
}

export const run = { key: 'acme/shop/1/1', actor: 'ada', url: 'https://github.com/acme/shop/actions/runs/1', started: '2026-11-22T10:15:00.000Z' };
