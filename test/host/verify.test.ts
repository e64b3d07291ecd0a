import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { freePorts, siteConfig } from '../../testbed/nginx.mjs';
import { isAlive } from '../../testbed/processes.mjs';
import { startStage } from '../../testbed/stage.mjs';

jest.setTimeout(60_000);

type Stage = Awaited<ReturnType<typeof startStage>>;

describe('verify asks as a visitor would', () => {
  let stage: Stage | undefined;
  afterEach(async () => stage?.stop());

  const verifyUrl = (port: number) => ({ 'verify-url': `http://127.0.0.1:${port}/healthz`, 'switch-timeout': '1s' });

  const two = async (site: string, more = {}) => {
    stage = await startStage({ config: ({ site: port, blue }) => siteConfig({ port, app: 'shop', server: `server 127.0.0.1:${blue};`, site }) });
    const first = await stage.deploy(stage.repo.commit({ version: 'one' }));
    expect(first.code).toBe(0);
    return stage.deploy(stage.repo.commit({ version: 'two' }), { ...verifyUrl(stage.ports.site), ...more });
  };

  test('a redirect that was there before the switch too only warns', async () => {
    const run = await two('location / { proxy_pass http://shop; } location /healthz { return 301 https://shop.example.com/; }');
    expect(run.log).toMatch(/301 from .* as before the switch/);
    expect(run.code).toBe(0);
    expect(await stage?.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('a 200 that nginx gives by itself proves nothing: switched back', async () => {
    const run = await two('location / { proxy_pass http://shop; } location = /healthz { return 200 ok; }');
    expect(run.log).toContain('did not lead to port');
    expect(run.code).toBe(1);
    expect(await stage?.ask()).toEqual({ status: 200, body: 'one' });
  });

  test('without verify-url, a path is found that leads to the app', async () => {
    const run = await two('location / { proxy_pass http://shop; } location = /healthz { return 200 ok; }', { 'verify-url': '' });
    expect(run.code).toBe(0);
    expect(await stage?.ask()).toEqual({ status: 200, body: 'two' });
  });

  test('requests that still reach the old port are found: switched back, and the old slot goes on', async () => {
    // A mirror by way of another proxy: no nginx configuration shows that it ends at the old port.
    const [port = 0] = await freePorts(1);
    let oldPort = 0;
    const detour = createServer((socket) => {
      const onward = connect(oldPort, '127.0.0.1');
      for (const one of [socket, onward]) one.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => detour.listen(port, '127.0.0.1', resolve));
    try {
      stage = await startStage({
        config: ({ site, blue }) =>
          siteConfig({ port: site, app: 'shop', server: `server 127.0.0.1:${blue};`, site: `location / { mirror /copy; proxy_pass http://shop; } location = /copy { internal; proxy_pass http://127.0.0.1:${port}$request_uri; }` }),
      });
      oldPort = stage.ports.green;
      expect((await stage.deploy(stage.repo.commit({ version: 'one' }))).code).toBe(0);
      const pid = stage.pid('green');
      const run = await stage.deploy(stage.repo.commit({ version: 'two' }), { 'switch-timeout': '2s' });
      expect(run.log).toContain(`requests still reach the old port ${oldPort}`);
      expect(run.code).toBe(1);
      expect(stage.pid('green')).toBe(pid);
      expect(isAlive(pid)).toBe(true);
      expect(await stage.ask()).toEqual({ status: 200, body: 'one' });
    } finally {
      detour.close();
    }
  });
});
