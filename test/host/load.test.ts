import { createServer, type Server, type Socket } from 'node:net';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startLoad } from '../../testbed/load.mjs';
import { freePorts, startNginx } from '../../testbed/nginx.mjs';

jest.setTimeout(60_000);

type Load = ReturnType<typeof startLoad>;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});

/** A server that does with the n-th request of its m-th connection what it is told; gives its port. */
async function serve(act: (socket: Socket, request: string, turn: { connection: number; request: number }) => void): Promise<number> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const connection = ++connections;
    let count = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => act(socket, data.toString('latin1'), { connection, request: ++count }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

const echoOf = (request: string) => /echo=([^& ]+)/.exec(request)?.[1] ?? '';

function good(request: string, more = '', version = 'v1'): string {
  const body = `${version} ${echoOf(request)}\n`;
  return `HTTP/1.1 200 OK\r\nx-version: ${version}\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
}

function load(port: number, more: Partial<Parameters<typeof startLoad>[0]> = {}): Load {
  const started = startLoad({ port, connections: 1, seconds: 20, pauseMs: 1, versions: ['v1'], ...more });
  undo.push(() => started.kill());
  return started;
}

/** What is counted once so many requests were made. */
async function counted(port: number, requests: number, more: Partial<Parameters<typeof startLoad>[0]> = {}) {
  const started = load(port, { requests, ...more });
  await started.reached(requests);
  return started.stop();
}

describe('the load client', () => {
  test('a kept connection that is closed as the next request comes is no lost request: it is asked again on a new one', async () => {
    const port = await serve((socket, request, turn) => (turn.request === 3 ? socket.destroy() : socket.write(good(request))));
    const counts = await counted(port, 10);
    expect(counts).toMatchObject({ served: 10, failed: 0, failures: [] });
    expect(counts.keepaliveCloses).toBe(4);
    expect(counts.connections).toBe(5);
  });

  test('a first request that is cut is lost, since nobody kept that connection', async () => {
    const port = await serve((socket, request, turn) => (turn.connection === 2 ? socket.destroy() : turn.request === 3 ? socket.end() : socket.write(good(request))));
    const counts = await counted(port, 10);
    expect(counts.failedBy).toEqual({ cut: 1 });
    expect(counts.failures[0]).toMatchObject({ kind: 'cut', answeredBefore: 0 });
  });

  test('a request on a kept connection that is cut late is lost: the server had it', async () => {
    const port = await serve((socket, request, turn) => {
      if (turn.connection === 1 && turn.request === 2) setTimeout(() => socket.destroy(), 1300);
      else socket.write(good(request));
    });
    const counts = await counted(port, 5);
    expect(counts).toMatchObject({ failed: 1, keepaliveCloses: 0, failedBy: { cut: 1 } });
    expect(counts.failures[0]).toMatchObject({ answeredBefore: 1 });
  });

  test('what was closed while nothing was under way, or as announced, is counted as nothing', async () => {
    const port = await serve((socket, request, turn) => {
      socket.write(good(request, turn.connection % 2 ? '' : 'Connection: close\r\n'));
      socket.end();
    });
    const counts = await counted(port, 20, { pauseMs: 30 });
    expect(counts).toMatchObject({ served: 20, failed: 0 });
    expect(counts.announcedCloses).toBeGreaterThan(5);
    expect(counts.idleCloses + counts.keepaliveCloses).toBeGreaterThan(5);
  });

  test.each<[string, string, (request: string) => string, boolean?]>([
    ['an answer cut in its head', 'cutInAnswer', () => 'HTTP/1.1 200 OK\r\nx-ver', true],
    ['an answer cut in its body', 'cutInAnswer', (request) => good(request).slice(0, -1), true],
    ['a chunked answer without its end', 'cutInAnswer', () => 'HTTP/1.1 200 OK\r\nx-version: v1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nv1\n\r\n', true],
    ['another status', 'status 502', () => 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'],
    ['a page of another request', 'wrongAnswer', () => good('echo=1.2')],
    ['an empty page', 'wrongAnswer', () => 'HTTP/1.1 200 OK\r\nx-version: v1\r\nContent-Length: 0\r\n\r\n'],
    ['a version that is not to have visitors', 'wrongVersion', (request) => good(request, '', 'v9')],
    ['no version', 'wrongVersion', (request) => good(request).replace(/x-version: v1\r\n/, '')],
    ['what is no HTTP', 'malformed', () => 'nonsense\r\n\r\n'],
  ])('is a failure: %s', async (_name, kind, answer, ends = false) => {
    // Behind two good ones, so that it also holds on a kept connection.
    const port = await serve((socket, request, turn) => {
      if (turn.connection !== 1 || turn.request !== 3) return socket.write(good(request));
      socket.write(answer(request));
      if (ends) socket.end();
    });
    const counts = await counted(port, 6);
    expect(counts).toMatchObject({ served: 5, failed: 1, keepaliveCloses: 0, failedBy: { [kind]: 1 } });
  });

  test('nobody there is a failure each time', async () => {
    const [port = 0] = await freePorts(1);
    const counts = await counted(port, 3);
    expect(counts).toMatchObject({ served: 0, failed: 3, failedBy: { refused: 3 } });
  });

  test('one more version may answer once it is expected', async () => {
    const port = await serve((socket, request) => socket.write(good(request, '', 'v2')));
    const started = load(port);
    await started.reached(3);
    started.expect('v2');
    await sleep(300);
    const { failed } = started.counts();
    expect(failed).toBeGreaterThan(0);
    await sleep(500);
    const counts = await started.stop();
    expect(counts.failed).toBe(failed);
    expect(counts.versions).toEqual({ v2: counts.served });
  });

  test('what is without end and is cut before the limit after a switch is a failure, later it is none', async () => {
    const stream = 'HTTP/1.1 200 OK\r\nx-version: v1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nid: 0\ndata: v1\n\n\r\n';
    const sockets: Socket[] = [];
    const port = await serve((socket, request) => {
      if (!request.startsWith('GET /events')) return socket.destroy();
      sockets.push(socket);
      socket.write(stream);
    });
    const seen = async (afterMs: number) => {
      const started = load(port, { connections: 0, endless: 1, seconds: 30 });
      while (sockets.length < 1) await sleep(20);
      started.switched({ at: Date.now(), version: 'v2', limitMs: 1000 });
      await sleep(afterMs);
      sockets.splice(0).forEach((socket) => socket.end());
      await sleep(300);
      const counts = await started.stop();
      sockets.length = 0;
      return { cutAtLimit: counts.cutAtLimit, early: counts.failedBy.cutEarly ?? 0 };
    };
    expect(await seen(400)).toEqual({ cutAtLimit: 0, early: 1 });
    expect(await seen(1300)).toEqual({ cutAtLimit: 1, early: 0 });
  });

  test('reloads of a real nginx, and its limit of requests for a connection, are told apart', async () => {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'bluegreen-load-')));
    undo.push(() => rmSync(dir, { recursive: true, force: true }));
    const app = await serve((socket, request) => socket.write(good(request)));
    const [port = 0] = await freePorts(1);
    const config = `worker_processes 2; error_log logs/error.log notice; pid nginx.pid; events { worker_connections 512; }
http { access_log off; client_body_temp_path temp/body; proxy_temp_path temp/proxy; fastcgi_temp_path temp/fastcgi; uwsgi_temp_path temp/uwsgi; scgi_temp_path temp/scgi;
  keepalive_requests 50;
  upstream app { server 127.0.0.1:${app}; keepalive 32; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`;
    const nginx = await startNginx({ dir, config });
    undo.push(() => nginx.stop());
    const started = load(port, { connections: 16 });
    await started.reached(2000);
    expect(started.counts()).toMatchObject({ failed: 0, keepaliveCloses: 0, idleCloses: 0 });
    expect(started.counts().announcedCloses).toBeGreaterThan(20);
    for (let count = 0; count < 5; count++) {
      nginx.reload();
      await sleep(300);
    }
    const counts = await started.stop();
    expect(counts).toMatchObject({ failed: 0, failures: [] });
    // An idle connection is closed by each reload, whether a request met that or not.
    expect(counts.idleCloses + counts.keepaliveCloses).toBeGreaterThan(0);
  });
});
