// npm run demo: the built action against a real sshd, nginx and git on loopback, in about a minute.
// Node's own modules only: it runs in a fresh clone, before any npm install.
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from '../testbed/packages.mjs';
import { scenes } from './scenes.mjs';
import { makeScreen } from './screen.mjs';
import { makeWorld } from './world.mjs';

const bundle = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const programs = ['nginx', 'sshd', 'ssh-keygen', 'git', 'curl', 'flock', 'setsid'];
const statuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const screen = makeScreen();
const interruption = new AbortController();
let endedBy = '';
let interruptedAt = 0;
for (const signal of Object.keys(statuses)) process.on(signal, () => interrupt(signal));
process.on('uncaughtException', (error) => interrupt('', error));
// Nobody reads any more (`| head`): what was started has to end all the same.
process.stdout.on('error', () => interrupt('SIGHUP'));

const good = await play();
process.exitCode = statuses[endedBy] ?? (good ? 0 : 1);

/** The first time everything is brought to an end in order. npm passes a Ctrl-C on once more, so only a later one is impatience. */
function interrupt(signal, error = new Error(`interrupted by ${signal}`)) {
  if (interruption.signal.aborted) {
    if (performance.now() - interruptedAt > 3000) process.exit(statuses[signal] ?? 1);
    return;
  }
  endedBy = signal;
  interruptedAt = performance.now();
  interruption.abort(error);
}

/** Plays all scenes and cleans up. Gives whether each expectation was met. */
async function play() {
  let world;
  try {
    prepare();
    world = await introduce();
    for (const scene of scenes) {
      interruption.signal.throwIfAborted();
      await scene({ screen, world });
    }
    screen.title('After all of it');
    screen.fact('visitors', `${world.total.served} requests served while releases came and went, ${world.total.failed} failed, ${world.total.keepaliveCloses} kept connections closed by nginx`);
    const refused = world.github.requests.filter(({ status }) => status >= 400);
    screen.check(`GitHub's API took all ${world.github.requests.length} requests`, refused.length === 0, refused.map(({ operation, error }) => `${operation}: ${error}`).join('; '));
  } catch (error) {
    const cause = interruption.signal.aborted ? interruption.signal.reason : error;
    screen.say();
    screen.check('the demo runs to its end', false, cause.expected || endedBy ? cause.message : (cause.stack ?? String(cause)));
  }
  await cleanUp(world);
  return screen.end();
}

/** @throws {Error} with what is missing and what to do, before anything is started */
function prepare() {
  screen.title('bluegreen-action: blue-green deploys behind nginx, over one SSH session');
  try {
    if (Number(process.versions.node.split('.')[0]) < 20) throw new Error(`This is Node.js ${process.versions.node}; Node.js 20 or later is needed.`);
    if (!existsSync(bundle)) throw new Error(`${bundle} is missing: the demo runs the built action. Build it with: npm ci && npm run build`);
    ensurePackages(programs, { say: screen.say });
  } catch (error) {
    throw Object.assign(error, { expected: true });
  }
}

async function introduce() {
  const world = await makeWorld(screen, interruption.signal);
  const { stage, github } = world;
  const { site, blue, green } = stage.ports;
  screen.say('Everything below runs on this machine, on loopback, as you; nothing but its temporary folder is written to.');
  screen.say('The action itself is dist/index.js, run exactly as a GitHub runner runs it.');
  screen.say();
  screen.fact('host', `${userInfo().username}@127.0.0.1:${stage.sshd.port}, a private sshd; nothing of ours is installed there`);
  screen.fact('nginx', `http://127.0.0.1:${site}, set up once for switch: instant, as \`command: setup\` does it; it follows the link \`live\``);
  screen.fact('slots', `blue on port ${blue}, green on port ${green}; one has the traffic, the other gets the next release`);
  screen.fact('repository', stage.repo.url);
  screen.fact('GitHub', `${github.url}, a stand-in that keeps check runs and deployments, and refuses what GitHub refuses`);
  return world;
}

async function cleanUp(world) {
  if (!world) return;
  try {
    const left = await world.stop();
    screen.check('the demo cleaned up: its processes have ended, its folder is gone', left.length === 0, left.join('; '));
  } catch (error) {
    screen.check('the demo cleaned up', false, error.stack ?? String(error));
  }
}
