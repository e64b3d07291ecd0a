import { mkdtempSync, rmSync, writeFileSync, existsSync, readFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runAction } from '../../testbed/runner.mjs';
import { newKey, startSshd } from '../../testbed/sshd.mjs';

const agent = fileURLToPath(new URL('../../testbed/hostile-agent.mjs', import.meta.url));

/** More than this never hangs: each run here ends in a few seconds. */
const LIMIT_MS = 90_000;

/** A real sshd that runs testbed/hostile-agent.mjs, whatever it is asked to run. */
export async function startHostile() {
  const dir = mkdtempSync(join(tmpdir(), 'bluegreen-hostile-'));
  mkdirSync(join(dir, 'ssh'));
  mkdirSync(join(dir, 'home'));
  const sshd = await startSshd({ dir: join(dir, 'ssh'), env: { HOME: join(dir, 'home') } });
  const key = newKey(dir, 'ed25519', '', { name: 'forced' });
  sshd.authorize(`command="exec ${process.execPath} ${agent} ${dir}" ${key.publicKey}`);
  const inputs = {
    host: `${sshd.user}@${sshd.host}:${sshd.port}`,
    'private-key': key.privateKey,
    'known-hosts': sshd.knownHosts,
    app: 'shop',
    root: '/srv/nowhere/shop',
    repository: 'https://git.example/shop.git',
    ports: '9501,9502',
    start: 'exec true',
    ref: 'a'.repeat(40),
  };
  return {
    dir,
    inputs,
    /** Runs the action against a behaviour of that program; a run that does not end is killed, and has the signal to show for it. */
    async run(behaviour: string, more: Record<string, string> = {}, options: Parameters<typeof runAction>[1] = {}) {
      writeFileSync(join(dir, 'behaviour'), behaviour);
      rmSync(join(dir, 'heard'), { force: true });
      let limit: NodeJS.Timeout | undefined;
      const run = await runAction(
        { ...inputs, ...more },
        { keep: 400_000, ...options, onStart: (child) => {
          options.onStart?.(child);
          limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
        } },
      );
      clearTimeout(limit);
      return run;
    },
    heard: () => (existsSync(join(dir, 'heard')) ? readFileSync(join(dir, 'heard'), 'utf8') : ''),
    async stop() {
      await sshd.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
