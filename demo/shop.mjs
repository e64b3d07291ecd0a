// The app that the demo deploys: a shop that says which version it is. What a version does is in release.json.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { version, unhealthy, broken } = JSON.parse(readFileSync(new URL('./release.json', import.meta.url), 'utf8'));
const port = Number(process.env.PORT);

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://shop');
  response.setHeader('x-version', version);
  if (url.pathname === '/healthz' && unhealthy) {
    console.log(`GET /healthz 503: ${unhealthy}`);
    response.writeHead(503).end(`${unhealthy}\n`);
    return;
  }
  if (url.pathname === '/checkout' && broken) {
    console.log(`GET /checkout 500: ${broken}`);
    response.writeHead(500).end(`${broken}\n`);
    return;
  }
  // `?ms=2000` is a page that takes its time. Nothing here looks after it when the process is ended: the deploy has to.
  const echo = url.searchParams.get('echo');
  setTimeout(() => response.end(`shop ${version}${echo ? ` ${echo}` : ''}\n`), Number(url.searchParams.get('ms') ?? 0));
});
server.listen(port, '127.0.0.1', () => console.log(`shop ${version} listens on port ${port}`));
