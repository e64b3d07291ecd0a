// The app that is deployed in the tests and the demo. What it does is in release.json, a file of each commit.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:http';

const how = JSON.parse(readFileSync(new URL('./release.json', import.meta.url), 'utf8'));
const port = Number(how.portFile ? JSON.parse(readFileSync(how.portFile, 'utf8')).port : process.env.PORT);

if (how.crash) {
  console.error('Error: cannot reach the database at db.example.com:5432');
  process.exit(3);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://app');
  const answer = () => {
    if (url.pathname === '/healthz' && how.unhealthy) {
      response.writeHead(503).end('the migrations are missing\n');
    } else if (url.pathname === '/env') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ env: process.env, cwd: realpathSync('.'), shared: existsSync('data/note.txt') ? readFileSync('data/note.txt', 'utf8') : null }));
    } else {
      response.setHeader('x-version', how.version);
      response.end(`${how.version}\n`);
    }
  };
  setTimeout(answer, Number(url.searchParams.get('ms') ?? 0));
});
server.keepAliveTimeout = 65_000;
server.listen(port, '127.0.0.1', () => console.log(`version ${how.version} listens on ${port}`));

process.on('SIGTERM', () => {
  if (how.stubborn) return;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
