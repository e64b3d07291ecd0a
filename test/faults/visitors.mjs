// Visitors of the site: one who asks all the time, and one whose requests take a while, so that one is always under way.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long the slow requests take, in milliseconds. */
const SLOW_MS = 400;

/**
 * @param {number} port of the site
 * @param {number} pauseMs between two requests
 */
export function startVisitors(port, pauseMs) {
  let going = false;
  let asked = 0;
  /** @type {{ at: number, what: string }[]} */
  let failures = [];
  const done = [];
  const visit = async (path) => {
    while (going) {
      const { status, what } = await ask(port, path);
      asked++;
      if (status !== 200) failures.push({ at: Date.now(), what: `${path}: ${what}` });
      await sleep(pauseMs);
    }
  };
  return {
    begin() {
      going = true;
      done.push(visit('/'), visit(`/?ms=${SLOW_MS}`));
    },
    /** What failed since the last question, and how many requests there were. */
    since() {
      const said = { asked, failures };
      asked = 0;
      failures = [];
      return said;
    },
    async stop() {
      going = false;
      await Promise.all(done);
    },
  };
}

/** One request on a connection of its own: nobody has to guess whether a kept one was closed in time. */
function ask(port, path) {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: new Agent({ keepAlive: false }), headers: { host: 'shop.example.com', connection: 'close' } }, (response) => {
      let length = 0;
      response.on('data', (chunk) => (length += chunk.length));
      response.on('end', () => resolve({ status: length ? response.statusCode : 0, what: `status ${response.statusCode}` }));
      response.on('error', (error) => resolve({ status: 0, what: error.code ?? error.message }));
    });
    request.setTimeout(15_000, () => request.destroy(new Error('no answer within 15 s')));
    request.on('error', (error) => resolve({ status: 0, what: error.code ?? error.message }));
  });
}
