import { describe, expect, test } from '@jest/globals';
import { managedFiles } from '../../../src/nginx/managed.js';
import { instantFiles } from '../../../testbed/instant.mjs';

const base = { app: 'my-shop', upstream: 'my-shop', root: '/srv/my-shop', ports: [9501, 9502] as [number, number], folder: '/etc/nginx', version: '1.22.1' };

describe("the testbed's nginx for switch: instant", () => {
  test.each(['port', 'socket'] as const)('is what setup writes, for listen: %s', (listen) => {
    const { http, server, proxyPass, probePath } = managedFiles({ ...base, listen });
    const testbeds = instantFiles({ ...base, listen });
    const files = Object.fromEntries([http, server].flatMap((file) => (file ? [[file.path.replace('/etc/nginx/', ''), file.text]] : [])));
    expect(testbeds).toEqual({ http: http.include, server: server?.include ?? '', proxyPass, probePath, files });
  });
});
