// What passes over the line: exec channels, counted by sshd, and requests, counted by the proxy. Node's own modules only.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long the last bytes and the last lines of sshd's log may take to arrive, in milliseconds. */
const settleMs = 150;

/** What sshd writes for each command, shell or subsystem that it starts (LogLevel VERBOSE). */
const sessionLine = /Starting session: (?:command|shell|subsystem|forced-command)\b/g;

/** How often sshd's log is looked at for the moment of an exec, in milliseconds. */
const lookMs = 5;

/**
 * Deploys once, and counts what sshd and the proxy saw of it.
 *
 * Requests after the exec are counted where the line is long. The clock starts when sshd logs the first exec. From then on
 * the proxy counts turns: the client speaks after it has heard the host. A bare visit, in which the same client connects,
 * runs a short sleep and leaves, is counted in the same way; it has the goodbye and nothing else, and is taken off. On a
 * line without delay this cannot be told apart: what sshd logs and what the client says next are less than a look apart.
 *
 * @param {import('./tools.mjs').Tool} tool
 * @param {import('./tools.mjs').Stage} stage
 * @param {{ proxy: import('./tools.mjs').Proxy, rttMs: number }} line
 * @param {import('./tools.mjs').Commit} commit
 * @returns {Promise<import('./tools.mjs').Deployed & { execs: number, roundTrips: number | null }>} `roundTrips` is null where they are not counted
 */
export async function deployCounted(tool, stage, { proxy, rttMs }, commit) {
  const { result, execs, turns } = await watched(stage, proxy, () => tool.deploy(proxy, commit));
  if (rttMs === 0) return { ...result, execs, roundTrips: null };
  const bare = await watched(stage, proxy, () => tool.bare(proxy));
  return { ...result, execs, roundTrips: turns - bare.turns };
}

/** Does something over the line; gives how many sessions sshd started for it, and the turns after the first of them. */
async function watched(stage, proxy, act) {
  const sessions = () => stage.sshd.log().match(sessionLine)?.length ?? 0;
  const before = sessions();
  let firstExec = Infinity;
  const timer = setInterval(() => {
    if (firstExec === Infinity && sessions() > before) firstExec = proxy.mark();
  }, lookMs);
  try {
    const result = await act();
    await sleep(settleMs);
    return { result, execs: sessions() - before, turns: proxy.turnsSince(firstExec) };
  } finally {
    clearInterval(timer);
  }
}

/**
 * The action's own SSH client, bundled from its sources: what it does for a bare visit is what it does before an exec.
 *
 * @param {string} dir where the bundle goes
 * @returns {Promise<typeof import('../src/host/connect.ts').connect>}
 */
export async function actionsClient(dir) {
  const { build } = await import('esbuild');
  const outfile = join(dir, 'connect.cjs');
  const entry = fileURLToPath(new URL('../src/host/connect.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20', external: ['*.node', 'cpu-features'], logLevel: 'error' });
  return createRequire(import.meta.url)(outfile).connect;
}
