import { expect, test } from '@jest/globals';
import { DeployError } from '../../../src/errors.js';
import { readConfig } from '../../../src/nginx/config.js';
import { upstreamEdit } from '../../../src/nginx/edit.js';
import { errorLogFile, masterPidFile, workerUser } from '../../../src/nginx/facts.js';
import { otherWays } from '../../../src/nginx/other-ways.js';
import { visitorRoutes } from '../../../src/nginx/routes.js';
import { oneOf, seeded, type Random } from '../../random.js';
import { options, samples } from './samples.js';
import { sameButServerLines, switched } from './switched.js';

const SEED = 20_261_122;
const ROUNDS = 3000;

const PIECES = [
  '{', '}', ';', '"', "'", '\\', '#', '$', '${', '\n', '\r\n', ' ', '\t', '\0', '[', '[[', '--', '*', 'é', '\u2028', '(', ')', ' down', 'down ', ' backup',
  'include *;', 'include nginx.conf;', 'upstream shop {', 'upstream other { server 127.0.0.1:9502; }', 'server 127.0.0.1:9501;', 'server 127.0.0.1:9502 down;',
  'server [::1]:9502;', '9501', '9502', 'x_by_lua_block {', 'map $a $b {', 'set $a "$a$b$a$b";', 'location ~ ((a+)+)+$ {', '# configuration file /etc/nginx/nginx.conf:\n',
  '\n# configuration file /x:\n', 'listen 9501;', 'proxy_pass http://$a$b;',
];

function mutated(dump: string, random: Random): string {
  let text = dump;
  // Most changes go where the app's upstream is.
  const near = Math.max(0, text.indexOf('upstream "shop"'), text.indexOf('\nupstream shop'), text.indexOf(' upstream shop'));
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(2) ? random(text.length) : Math.min(text.length, near + random(200));
    const length = random(3) ? random(8) : random(60);
    const kind = random(5);
    const piece = oneOf(random, PIECES);
    if (kind === 0) text = text.slice(0, at) + text.slice(at + length);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
    else if (kind === 2) text = text.slice(0, at) + piece + text.slice(at + 1);
    else text = text.slice(0, at) + piece + text.slice(at);
  }
  return text;
}

/** All that is done with a configuration; gives whether it could be edited. */
function use(dump: string): boolean {
  try {
    const config = readConfig(dump);
    visitorRoutes(config, { upstream: 'shop', healthPath: '/healthz' });
    masterPidFile(config, undefined);
    errorLogFile(config, undefined);
    workerUser(config);
    otherWays(config, options);
    upstreamEdit(config, options);
  } catch (error) {
    if (error instanceof DeployError) return false;
    throw error;
  }
  for (const slot of ['blue', 'green'] as const) {
    const after = switched(dump, slot);
    sameButServerLines(dump, after);
    expect(upstreamEdit(readConfig(after), options).serving).toBe(slot);
    // A `down` may take the place and spacing that it had on the other line, once; then it stays.
    const back = (text: string) => switched(switched(text, slot === 'blue' ? 'green' : 'blue'), slot);
    const round = back(after);
    expect(back(round)).toBe(round);
  }
  return true;
}

test(`${ROUNDS} mutated configurations (seed ${SEED}): a sound edit, or a refusal`, () => {
  const random = seeded(SEED);
  let edited = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const dump = mutated(oneOf(random, samples)[1], random);
    const started = performance.now();
    try {
      if (use(dump)) edited++;
    } catch (error) {
      throw new Error(`seed ${SEED}, round ${round}:\n${dump}`, { cause: error });
    }
    expect(performance.now() - started).toBeLessThan(5000);
  }
  expect(edited).toBeGreaterThan(ROUNDS / 10);
  expect(edited).toBeLessThan(ROUNDS);
}, 120_000);
