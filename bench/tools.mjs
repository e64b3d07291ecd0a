// The three ways to deploy that are compared: the same host, the same repository, the same key. Node's own modules only.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, track } from './process.mjs';

const capistranoDir = fileURLToPath(new URL('./capistrano', import.meta.url));
const floorScript = readFileSync(new URL('./floor.sh', import.meta.url), 'utf8');
const keptReleases = 5;
/** Long enough that its end does not travel with the answer to the exec: a deploy's end does not either. */
const bareCommand = 'sleep 0.3';

/**
 * @typedef {Awaited<ReturnType<typeof import('../testbed/stage.mjs').startStage>>} Stage
 * @typedef {Awaited<ReturnType<typeof import('../testbed/proxy.mjs').startProxy>>} Proxy
 * @typedef {{ sha: string, version: string }} Commit
 * @typedef {{ ms: number, steps?: { name: string, status: string, ms: number }[], loadMs?: number, runMs?: number }} Deployed
 * @typedef {{
 *   name: 'bluegreen' | 'capistrano' | 'floor',
 *   deploy: (proxy: Proxy, commit: Commit) => Promise<Deployed>,
 *   bare: (proxy: Proxy) => Promise<unknown>,
 *   current: () => string,
 * }} Tool `deploy` deploys a commit through a proxy; `bare` only connects, runs `bareCommand` and leaves, with the same client;
 *   `current` is the folder of the release that is current.
 */

/**
 * The action's built bundle, run as a runner runs it: `process` supervisor, health check, switch, verify, drain, stop.
 * No GitHub token: the others report to nobody either.
 *
 * @param {Stage} stage
 * @param {string} bundle
 * @param {typeof import('../src/host/connect.ts').connect} connect the action's own client
 * @returns {Tool}
 */
export function bluegreen(stage, bundle, connect) {
  const login = (proxy) => ({ host: proxy.host, port: proxy.port, user: stage.sshd.user, knownHosts: knownHosts(stage, proxy) });
  return {
    name: 'bluegreen',
    async deploy(proxy, commit) {
      const inputs = { host: `${stage.sshd.user}@${proxy.host}:${proxy.port}`, 'known-hosts': knownHosts(stage, proxy), 'keep-releases': String(keptReleases) };
      let started = 0;
      const options = {
        bundle,
        onStart(child) {
          started = Date.now();
          track(child);
        },
      };
      const { code, log, outputs, state, ms } = await stage.deploy(commit.sha, inputs, options);
      if (code !== 0) throw new Error(`the action ended with status ${code}:\n${log.slice(-4000)}`);
      const answer = await stage.ask();
      if (answer.body !== commit.version) throw new Error(`nginx answers "${answer.body}" instead of "${commit.version}"`);
      return { ms, steps: JSON.parse(outputs.steps), loadMs: Number(state.started) - started, runMs: Number(outputs['duration-ms']) };
    },
    async bare(proxy) {
      const connection = await connect({ ...login(proxy), key: stage.sshd.privateKey, passphrase: '', connectTimeoutMs: 20_000 });
      const channel = await connection.exec(bareCommand);
      channel.stdout.resume();
      channel.stderr.resume();
      await channel.closed;
      connection.close();
    },
    current: () => join(stage.root, 'live', 'release'),
  };
}

/** Capistrano with its usual recipe. @param {Stage} stage @param {string} home @returns {Tool} */
export function capistrano(stage, home) {
  const recipe = join(stage.dir, 'capistrano');
  const root = join(stage.dir, 'srv', 'capistrano');
  // It writes a log beside its recipe.
  cpSync(capistranoDir, recipe, { recursive: true });
  const env = (proxy) => ({
    PATH: process.env.PATH,
    HOME: home,
    LANG: 'C.UTF-8',
    SSH_HOST: proxy.host,
    SSH_PORT: String(proxy.port),
    SSH_USER: stage.sshd.user,
    SSH_KEY: stage.sshd.keyFile,
    SSH_KNOWN_HOSTS: knownHostsFile(stage, proxy),
    REPO_URL: stage.repo.url,
    BRANCH: 'main',
    DEPLOY_TO: root,
    TMP_DIR: stage.dir,
  });
  return {
    name: 'capistrano',
    async deploy(proxy, commit) {
      const { ms } = await run('cap', ['production', 'deploy'], { cwd: recipe, env: env(proxy) });
      const revision = readFileSync(join(root, 'current', 'REVISION'), 'utf8').trim();
      if (revision !== commit.sha) throw new Error(`Capistrano's current is ${revision} instead of ${commit.sha}`);
      return { ms };
    },
    bare: (proxy) => run('ruby', [join(recipe, 'bare.rb'), bareCommand], { env: env(proxy) }),
    current: () => join(root, 'current'),
  };
}

/** One `ssh` with one script. @param {Stage} stage @returns {Tool} */
export function floor(stage) {
  const root = join(stage.dir, 'srv', 'floor');
  mkdirSync(root, { recursive: true });
  let count = 0;
  const ssh = (proxy, command) => {
    const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${knownHostsFile(stage, proxy)}`, 'LogLevel=ERROR'];
    const flags = ['-F', '/dev/null', '-i', stage.sshd.keyFile, '-p', String(proxy.port), ...options.flatMap((option) => ['-o', option])];
    return run('ssh', [...flags, `${stage.sshd.user}@${proxy.host}`, command]);
  };
  return {
    name: 'floor',
    async deploy(proxy, commit) {
      const id = String(++count).padStart(6, '0');
      const values = Object.entries({ ROOT: root, REPO: stage.repo.url, SHA: commit.sha, ID: id, KEEP: String(keptReleases) });
      // Paths of the testbed: none holds a quote.
      const { ms } = await ssh(proxy, `${values.map(([name, value]) => `${name}='${value}'`).join('; ')}\n${floorScript}`);
      return { ms };
    },
    bare: (proxy) => ssh(proxy, bareCommand),
    current: () => join(root, 'current'),
  };
}

/** The version that a tool's current release holds, whoever put it there. @param {Tool} tool */
export function currentVersion(tool) {
  const file = join(tool.current(), 'release.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : '';
}

/** The host's key under the name that a client of this proxy sees. */
const knownHosts = (stage, proxy) => stage.sshd.knownHosts.replaceAll(`:${stage.sshd.port} `, `:${proxy.port} `);

function knownHostsFile(stage, proxy) {
  const file = join(stage.dir, `known_hosts.${proxy.port}`);
  if (!existsSync(file)) writeFileSync(file, `${knownHosts(stage, proxy)}\n`);
  return file;
}
