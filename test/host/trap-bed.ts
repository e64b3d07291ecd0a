import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfig, type NginxConfig } from '../../src/nginx/config.js';
import { readInstant, type InstantFacts } from '../../src/nginx/instant.js';
import { managedFiles, type Managed } from '../../src/nginx/managed.js';
import type { Slot } from '../../src/nginx/upstream.js';
import { freePorts, startNginx } from '../../testbed/nginx.mjs';

type Nginx = Awaited<ReturnType<typeof startNginx>>;

export interface Answer {
  status: number;
  body: string;
  location: string;
}

/**
 * A real nginx with two apps behind it, one for each slot, and the folder with the link `live`: for configurations that
 * misbehave. An app answers its slot, the Host that it was told, and the path; at `/moved` it redirects to that host.
 */
export async function trapBed({ listen = 'port', user = 'root' }: { listen?: 'port' | 'socket'; user?: string } = {}) {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-traps-')));
  chmodSync(dir, 0o755);
  const [site = 0, blue = 0, green = 0, other = 0] = await freePorts(4);
  const root = join(dir, 'srv', 'shop');
  const conf = join(dir, 'nginx', 'conf');
  const sockets: Record<Slot, string> = { blue: join(root, 'slots/blue/app.sock'), green: join(root, 'slots/green/app.sock') };
  for (const slot of ['blue', 'green'] as const) {
    mkdirSync(join(root, 'slots', slot), { recursive: true });
    writeFileSync(join(root, 'slots', slot, slot), '');
  }
  const apps: Record<string, Server> = {};
  const app = async (name: string, at: string | number) => {
    const server = createServer((asked, answer) => {
      // A request that was begun counts as answered only when all of it came.
      asked.resume().once('end', () => {
        if (asked.url?.startsWith('/moved')) answer.writeHead(302, { location: `http://${asked.headers.host}/there` });
        answer.end(`${name} ${asked.headers.host} ${asked.url}`);
      });
    });
    await new Promise<void>((resolve) => (typeof at === 'string' ? server.listen(at, resolve) : server.listen(at, '127.0.0.1', resolve)));
    server.keepAliveTimeout = 60_000;
    apps[name] = server;
  };
  await app('blue', listen === 'socket' ? sockets.blue : blue);
  await app('green', listen === 'socket' ? sockets.green : green);
  await app('other', other);

  const managed = (name = 'shop', ports: [number, number] = [blue, green], kind = listen): Managed =>
    managedFiles({ app: name, upstream: name, root, ports, listen: kind, folder: conf, version: '1.22.1' });
  const shop = managed();
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };

  let nginx: Nginx | undefined;
  const bed = {
    dir, root, conf, managed, shop, write,
    ports: { site, blue, green, other },
    apps,
    /** The managed files of an app, as setup writes them. */
    writeManaged(files: Managed) {
      for (const file of [files.http, files.server]) if (file) write(file.path, file.text);
    },
    /** Starts nginx with this text in http, in place of the one before. Gives what nginx says when it refuses it. */
    async start(http: string): Promise<string> {
      await nginx?.stop();
      nginx = undefined;
      const config = `worker_processes 1; error_log logs/error.log notice; pid nginx.pid; events {}\nhttp {\naccess_log off;
client_body_temp_path temp/b; proxy_temp_path temp/p; fastcgi_temp_path temp/f; uwsgi_temp_path temp/u; scgi_temp_path temp/s;\n${http}\n}\n`;
      try {
        nginx = await startNginx({ dir: join(dir, 'nginx'), config, user });
        return '';
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('nginx refuses')) return error.message;
        throw error;
      }
    },
    /** What nginx prints of its configuration: as it is on disk, read. */
    config(): NginxConfig {
      const { status, stdout, stderr } = spawnSync(`${nginx?.command} -T`, { shell: true, encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return readConfig(stdout);
    },
    read(files = shop): InstantFacts {
      return readInstant(bed.config(), files, { upstream: 'shop', ports: [blue, green], isLocal: () => false, root, curl: true });
    },
    /** The line of nginx.conf in which this text stands first. */
    line: (text: string): number => (nginx?.read() ?? '').split('\n').findIndex((one) => one.includes(text)) + 1,
    file: join(conf, 'nginx.conf'),
    errors: () => nginx?.errors() ?? '',
    /** What a switch is. */
    switchTo(slot: Slot) {
      symlinkSync(`slots/${slot}`, join(root, 'live.new'));
      renameSync(join(root, 'live.new'), join(root, 'live'));
    },
    ask: (path = '/', port = site, host = 'shop.example.com') => ask(port, path, host),
    /** The slots that answer after switches to green, blue, green and blue. */
    async followed(path = '/'): Promise<string> {
      const answers: string[] = [];
      for (const slot of ['green', 'blue', 'green', 'blue'] as const) {
        bed.switchTo(slot);
        const { status, body } = await ask(site, path, 'shop.example.com');
        answers.push(status === 200 ? (body.split(' ')[0] ?? '') : String(status));
      }
      return answers.join(' ');
    },
    async stop() {
      await nginx?.stop();
      for (const server of Object.values(apps)) {
        server.closeAllConnections();
        server.close();
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
  bed.switchTo('blue');
  bed.writeManaged(shop);
  return bed;
}

export type TrapBed = Awaited<ReturnType<typeof trapBed>>;

function ask(port: number, path: string, host: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const question = request({ host: '127.0.0.1', port, path, agent: false, headers: { host } }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: body.trim(), location: answer.headers.location ?? '' }));
    });
    question.setTimeout(20_000, () => question.destroy(new Error('no answer')));
    question.once('error', reject).end();
  });
}
