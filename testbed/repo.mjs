// A bare git repository with commits of the testbed's app. Node's own modules and git only.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const app = fileURLToPath(new URL('./app', import.meta.url));

/**
 * Makes an empty bare repository.
 *
 * @param {string} dir an existing folder of its own
 */
export function makeRepo(dir) {
  const url = join(dir, 'app.git');
  const work = join(dir, 'work');
  git(dir, 'init', '-q', '--bare', '-b', 'main', url);
  git(dir, 'init', '-q', '-b', 'main', work);
  git(work, 'remote', 'add', 'origin', url);
  return {
    url,
    work,
    git: (...args) => git(work, ...args),
    /**
     * Commits one more version and pushes it.
     *
     * @param {{ version: string, crash?: boolean, unhealthy?: boolean, stubborn?: boolean, graceful?: boolean, portFile?: string, listen?: 'port' | 'socket',
     *   bad?: { afterMs?: number, every?: number, health?: boolean } }} how
     *   `graceful: false` ends at once on SIGTERM
     * @param {Record<string, string>} [files] more files, by their paths
     * @returns {string} the commit, 40 hexadecimal digits
     */
    commit(how, files = {}) {
      cpSync(app, work, { recursive: true });
      writeFileSync(join(work, 'release.json'), `${JSON.stringify(how)}\n`);
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(work, path)), { recursive: true });
        writeFileSync(join(work, path), text);
      }
      git(work, 'add', '-A', '-f');
      git(work, 'commit', '-q', '--allow-empty', '-m', `Version ${how.version}`);
      git(work, 'push', '-q', 'origin', 'HEAD:main');
      return git(work, 'rev-parse', 'HEAD');
    },
  };
}

function git(cwd, ...args) {
  const who = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com', GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' };
  const result = spawnSync('git', args, { cwd, encoding: 'utf8', env: { ...process.env, ...who, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' } });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')} failed:\n${result.stderr}`);
  return result.stdout.trim();
}
