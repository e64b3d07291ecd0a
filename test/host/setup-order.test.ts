import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { readConfig } from '../../src/nginx/config.js';
import { planSetup, type SetupPlan } from '../../src/nginx/setup.js';
import { trapBed, type TrapBed } from './trap-bed.js';

jest.setTimeout(60_000);

let bed: TrapBed;
afterEach(() => bed.stop());

const host = 'proxy_set_header Host $host;';
const plan = (listen: 'port' | 'socket', config = bed.config()): SetupPlan => {
  const { blue, green } = bed.ports;
  const of = (kind: 'port' | 'socket') => bed.managed('shop', [blue, green], kind);
  const options = { upstream: 'shop', ports: [blue, green] as [number, number], isLocal: () => false, root: bed.root, curl: true, healthPath: '/' };
  return planSetup(config, of(listen), of(listen === 'port' ? 'socket' : 'port'), options);
};

/** A site in three files: the upstream and the first server block, a second server block, and the location of both. */
const site = () => {
  bed.write(join(bed.conf, 'b.conf'), `server {\n    listen 127.0.0.1:${bed.ports.other + 1};\n    include location.inc;\n}\n`);
  bed.write(join(bed.conf, 'location.inc'), `location / { proxy_pass http://shop; ${host} }\n`);
  return `upstream shop {\n    server 127.0.0.1:${bed.ports.blue};\n}\nserver {\n    listen 127.0.0.1:${bed.ports.site};\n    include location.inc;\n}\ninclude b.conf;`;
};

/** Writes file after file: after each nginx takes the configuration, and setup begun anew ends the same. */
function inOrder(listen: 'port' | 'socket'): void {
  const { writes, traps } = plan(listen);
  expect(traps).toEqual([]);
  const wanted = new Map(writes.map(({ file, after }) => [file, after]));
  for (const { file, after } of writes) {
    bed.write(file, after);
    const rest = plan(listen);
    expect(rest.traps).toEqual([]);
    const ends = new Map(bed.config().files);
    for (const write of rest.writes) ends.set(write.file, write.after);
    for (const [path, text] of wanted) expect(ends.get(path) ?? text).toBe(text);
  }
  expect(plan(listen)).toMatchObject({ writes: [], shown: [], traps: [] });
}

describe('a setup that dies between two files can be run again', () => {
  test.each([['port'], ['socket']] as const)('%s, on a site that is not set up', async (listen) => {
    bed = await trapBed({ listen });
    rmSync(join(bed.conf, 'bluegreen'), { recursive: true });
    expect(await bed.start(site())).toBe('');
    inOrder(listen);
  });

  test('from ports to sockets, and back', async () => {
    bed = await trapBed();
    rmSync(join(bed.conf, 'bluegreen'), { recursive: true });
    expect(await bed.start(site())).toBe('');
    for (const listen of ['port', 'socket', 'port', 'socket'] as const) inOrder(listen);
  });

  test('what is planned is what nginx then reads: a second look at the changed text finds nothing to do', async () => {
    bed = await trapBed();
    expect(await bed.start(site())).toBe('');
    const config = bed.config();
    const files = new Map(config.files);
    for (const { file, after } of plan('port', config).writes) files.set(file, after);
    const again = readConfig([...files].map(([path, text]) => `# configuration file ${path}:\n${text}\n`).join(''));
    expect(plan('port', again)).toMatchObject({ writes: [], shown: [] });
  });
});
