// Runs dist/index.js exactly as a runner does: INPUT_*, GITHUB_* variables and files. Node's own modules only.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const postBundle = fileURLToPath(new URL('../dist/post.js', import.meta.url));

/** The defaults of action.yml, which a runner fills in. */
const defaults = readDefaults();

function readDefaults() {
  const text = readFileSync(new URL('../action.yml', import.meta.url), 'utf8');
  const found = {};
  let name = '';
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) name = line.startsWith('inputs:') ? ' ' : '';
    const input = /^ {2}([a-z-]+):$/.exec(line);
    if (name && input) name = input[1];
    const value = /^ {4}default: (.*)$/.exec(line);
    if (name.trim() && value) found[name] = value[1].replace(/^(['"])(.*)\1$/, '$2');
  }
  return found;
}

/**
 * Gives what it wrote, and the most memory that it ever had, in KiB (its peak of /proc/<pid>/status, looked at while it runs).
 *
 * @param {Record<string, string>} inputs by their names
 * @param {{ env?: Record<string, string>, token?: string, onOutput?: (text: string) => void, bundle?: string, keep?: number, onStart?: (child: import('node:child_process').ChildProcess) => void }} [options]
 * @returns {Promise<{ code: number | null, signal: string | null, log: string, outputs: Record<string, string>, state: Record<string, string>, summary: string, ms: number, peakKiB: number }>}
 *   `keep`: so many characters of the end of the log are kept; all of them by default
 */
export async function runAction(inputs, options = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'bluegreen-runner-'));
  const files = { GITHUB_OUTPUT: join(dir, 'output'), GITHUB_STATE: join(dir, 'state'), GITHUB_STEP_SUMMARY: join(dir, 'summary'), GITHUB_ENV: join(dir, 'env'), GITHUB_PATH: join(dir, 'path') };
  for (const file of Object.values(files)) writeFileSync(file, '');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...gitHubEnv(), ...files, ...options.env };
  const expanded = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, value === '${{ github.token }}' ? (options.token ?? '') : value]));
  for (const [name, value] of Object.entries({ ...expanded, ...inputs })) env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] = value;
  try {
    const begun = performance.now();
    const child = spawn(process.execPath, [options.bundle ?? bundle], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    const keep = (text) => {
      log += text;
      if (options.keep && log.length > 2 * options.keep) log = Buffer.from(log.slice(-options.keep)).toString();
      options.onOutput?.(text);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    options.onStart?.(child);
    let peakKiB = 0;
    const watch = setInterval(() => (peakKiB = Math.max(peakKiB, peakOf(child.pid))), 20);
    const { code, signal } = await new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))).finally(() => clearInterval(watch));
    return {
      code,
      signal,
      log,
      outputs: readKeys(files.GITHUB_OUTPUT),
      state: readKeys(files.GITHUB_STATE),
      summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8'),
      ms: performance.now() - begun,
      peakKiB,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** VmHWM of proc(5): the most that was resident; 0 when it has ended. */
function peakOf(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs the post step with what the main step saved, as a runner does. */
export function runPost(inputs, state, options = {}) {
  const saved = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
  return runAction(inputs, { bundle: postBundle, ...options, env: { ...saved, ...options.env } });
}

function gitHubEnv() {
  return {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_API_URL: 'http://127.0.0.1:1',
    GITHUB_RUN_ID: '4711',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'deploy',
    GITHUB_ACTION: '__run',
    GITHUB_ACTOR: 'ada',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_WORKFLOW_REF: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    RUNNER_TEMP: tmpdir(),
  };
}

/** `name<<delimiter`, lines, `delimiter`: how @actions/core writes outputs and state. */
function readKeys(file) {
  const found = {};
  const lines = readFileSync(file, 'utf8').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, name, delimiter] = /^(.+?)<<(ghadelimiter_.+)$/.exec(lines[at]) ?? [];
    if (!name) continue;
    const end = lines.indexOf(delimiter, at + 1);
    found[name] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return found;
}
