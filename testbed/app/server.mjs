// The app that is deployed in the tests and the demo. What it does is in release.json, a file of each commit.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { acceptOf, frame, frameReader, opcodes } from './websocket.mjs';

const how = JSON.parse(readFileSync(new URL('./release.json', import.meta.url), 'utf8'));
const port = Number(how.portFile ? JSON.parse(readFileSync(how.portFile, 'utf8')).port : process.env.PORT);
const socket = how.listen === 'socket' ? process.env.SOCKET : '';
const everyMs = 100;

if (how.crash) {
  console.error('Error: cannot reach the database at db.example.com:5432');
  process.exit(3);
}

/** `bad`: 500 to every so many visitors, or to health checks too, from so many ms after its start on. */
let visits = 0;
const isBad = (health) => how.bad && performance.now() >= (how.bad.afterMs ?? 0) && (health ? how.bad.health : visits++ % (how.bad.every ?? 1) === 0);

let closing = false;
const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://app');
  const ms = Number(url.searchParams.get('ms') ?? 0);
  response.setHeader('x-version', how.version);
  const path = paths[url.pathname];
  if (path) path(request, response, url.searchParams.has('ms') ? ms : Infinity);
  else if (ms > 0) setTimeout(page, ms, url, response);
  else page(url, response);
});
server.keepAliveTimeout = 65_000;

/** An answer at once or after `?ms=`. With `?echo=` it says that too, so that who asked can tell it from another's. */
function page({ pathname, searchParams }, response) {
  // Nobody shall send one more request on this connection when the app is about to end.
  if (closing) response.setHeader('connection', 'close');
  if (pathname === '/healthz' && how.unhealthy) {
    response.writeHead(503).end('the migrations are missing\n');
  } else if (isBad(pathname === '/healthz')) {
    response.writeHead(500).end(`${how.version} is broken\n`);
  } else if (pathname === '/env') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ env: process.env, cwd: realpathSync('.'), shared: existsSync('data/note.txt') ? readFileSync('data/note.txt', 'utf8') : null }));
  } else {
    const echo = searchParams.get('echo');
    response.end(echo ? `${how.version} ${echo}\n` : `${how.version}\n`);
  }
}

const paths = {
  /** A line each 100 ms for `?ms=`, then `end`. */
  '/stream': (_request, response, ms) => pieces(response, ms, 'text/plain', (count) => `${count}\n`, 'end\n'),
  /** Server-sent events, one each 100 ms, for `?ms=` or without end. */
  '/events': (_request, response, ms) =>
    pieces(response, ms, 'text/event-stream', (count) => `id: ${count}\ndata: ${how.version}\n\n`, `event: end\ndata: ${how.version}\n\n`),
  /** Reads the whole body; its length and sum, once all of it came. */
  async '/upload'(request, response) {
    const hash = createHash('sha256');
    let length = 0;
    try {
      for await (const chunk of request) {
        hash.update(chunk);
        length += chunk.length;
      }
      response.end(`${JSON.stringify({ length, sha256: hash.digest('hex') })}\n`);
    } catch {
      // Who sent it has gone.
    }
  },
};

function pieces(response, ms, type, piece, end) {
  // nginx would collect what is small.
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  let count = 0;
  response.write(piece(count));
  const timer = setInterval(() => {
    count++;
    if (count * everyMs < ms) return response.write(piece(count));
    clearInterval(timer);
    response.end(end);
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}

// A WebSocket at /ws that says what it hears.
server.on('upgrade', (request, connection, head) => {
  connection.on('error', () => connection.destroy());
  const key = request.headers['sec-websocket-key'];
  if (!key || !request.url.startsWith('/ws')) return connection.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  connection.setNoDelay(true);
  connection.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\nx-version: ${how.version}\r\n\r\n`,
  );
  const read = frameReader(({ opcode, payload }) => {
    if (opcode === opcodes.text) connection.write(frame(opcodes.text, payload));
    else if (opcode === opcodes.ping) connection.write(frame(opcodes.pong, payload));
    else if (opcode === opcodes.close) connection.end(frame(opcodes.close, payload));
  });
  if (head.length) read(head);
  connection.on('data', read);
  connection.on('end', () => connection.end());
});

if (socket) rmSync(socket, { force: true });
server.listen(socket ? { path: socket, readableAll: true, writableAll: true } : { port, host: '127.0.0.1' }, () => console.log(`version ${how.version} listens on ${socket || port}`));

// `graceful: false` is an app that looks after nothing, as most do.
if (how.graceful !== false) {
  process.on('SIGTERM', () => {
    if (how.stubborn) return;
    closing = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
