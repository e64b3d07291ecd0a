// The app that the demo deploys: a shop that says which version it is. What a version does is in release.json.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { version, unhealthy } = JSON.parse(readFileSync(new URL('./release.json', import.meta.url), 'utf8'));
const port = Number(process.env.PORT);

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://shop');
  response.setHeader('x-version', version);
  if (url.pathname === '/healthz' && unhealthy) {
    console.log(`GET /healthz 503: ${unhealthy}`);
    response.writeHead(503).end(`${unhealthy}\n`);
    return;
  }
  // `?ms=2000` is a page that takes its time. Nothing here looks after it when the process is ended: the deploy has to.
  setTimeout(() => response.end(`shop ${version}\n`), Number(url.searchParams.get('ms') ?? 0));
});
server.listen(port, '127.0.0.1', () => console.log(`shop ${version} listens on port ${port}`));
