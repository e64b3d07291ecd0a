// Programs that the tests and the demo need, from the distribution. Node's own modules only.
//   node testbed/packages.mjs nginx sshd git curl
import { spawnSync } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);

/** Program: Debian's and Ubuntu's package. */
const packageOf = {
  nginx: 'nginx-light',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  git: 'git',
  curl: 'curl',
  flock: 'util-linux',
  setsid: 'util-linux',
  awk: 'mawk',
  ps: 'procps',
  shellcheck: 'shellcheck',
  busybox: 'busybox',
  dash: 'dash',
  cap: 'capistrano',
};

/** An ordinary user's PATH often lacks the folders of servers. */
const folders = [...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])].filter(Boolean);

/**
 * Gives the programs that are not there.
 *
 * @param {string[]} programs
 * @returns {string[]}
 */
export function missingPrograms(programs) {
  return programs.filter((program) => !folders.some((folder) => isProgram(join(folder, program))));
}

/**
 * The packages of these programs, each once.
 *
 * @param {string[]} programs
 * @returns {string[]}
 */
export function packagesOf(programs) {
  return [...new Set(programs.map((program) => packageOf[program] ?? program))];
}

/**
 * Sees to it that programs are there: installs their packages when this user may, without starting any service.
 *
 * @param {string[]} programs
 * @param {{ say?: (text: string) => void }} [options] `say` is told before something is installed
 * @returns {boolean} whether all of them are there
 * @throws {Error} whose message has the line that installs what is missing, when it could not be installed
 */
export function ensurePackages(programs, { say = console.error } = {}) {
  const missing = missingPrograms(programs);
  if (missing.length === 0) return true;
  const packages = packagesOf(missing);
  const isRoot = process.getuid?.() === 0;
  const line = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const lacking = `These programs are missing: ${missing.join(', ')}.`;
  if (missingPrograms(['apt-get']).length > 0) {
    throw new Error(`${lacking}\nInstall them with this system's package manager; on Debian and Ubuntu: ${line}`);
  }
  if (!isRoot && !maySudo()) {
    throw new Error(
      `${lacking}\nThis user may not install them. Run this line, which installs ${packages.join(' ')} with apt-get and starts no service, then try again:\n` +
        `  sudo ${process.execPath} ${self} ${missing.join(' ')}`,
    );
  }
  say(`${lacking} Installing ${packages.join(' ')} with apt-get; no service is started.`);
  const shell = ['sh', '-c', installScript, 'install', ...packages];
  const [command, ...args] = isRoot ? shell : ['sudo', '-n', ...shell];
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 600_000, maxBuffer: 64 * 1024 * 1024 });
  const left = missingPrograms(missing);
  if (result.status !== 0 || left.length > 0) {
    const said = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd().split('\n').slice(-15).join('\n');
    throw new Error(`${said}\n${lacking} apt-get could not install them (status ${result.status ?? result.error?.code ?? result.signal}); its last lines stand above.\nMend what it says, then run as root:\n  ${line}`);
  }
  return true;
}

/**
 * Debian starts a server as soon as it is installed, and at each boot: neither is wanted here, where servers run on
 * ports of their own. Status 101 of policy-rc.d forbids the start (invoke-rc.d(8)).
 */
const installScript = `
set -u
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy" && chmod 755 "$policy" || exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q -o DPkg::Lock::Timeout=120
apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" || exit 1
command -v systemctl >/dev/null || exit 0
for package in "$@"; do
  case $package in
    nginx-light) systemctl --quiet disable nginx.service ;;
    openssh-server) systemctl --quiet disable ssh.service ssh.socket ;;
  esac
done 2>/dev/null
exit 0
`;

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function maySudo() {
  return missingPrograms(['sudo']).length === 0 && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

if (process.argv[1] && realpathSync(process.argv[1]) === self) {
  try {
    ensurePackages(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
