import * as z from 'zod';
import { duration } from './duration.js';
import { envVariables } from './env.js';
import { hostText, userName } from './host.js';
import { percentage, port, slotPorts, statusRanges, wholeNumber } from './numbers.js';
import { optional } from './parsed.js';
import { pathsInRelease, rootFolder, searchPath, sharedPaths } from './paths.js';
import { gitRef, repositoryUrl } from './repository.js';
import { setting } from './setting.js';
import { anyText, choice, commands, matching, oneLine, yesOrNo } from './text.js';
import { headerHost, healthPath, webUrl } from './url.js';

/** Shorter limits than this end before a process has even started. */
const SHORTEST = 100;

/** All settings by their input names: the one source of action.yml, of the README's table and of the validator. */
export const settingsSchema = z.object({
  command: setting(
    { group: 'what', doc: 'What to do: `deploy`, `rollback`, `status` (shows the host as it is), `plan` (shows what a deploy would do), or `setup` (prepares nginx for `switch: instant`; as another user than root it shows what to do). `status` and `plan` change nothing.', default: 'deploy' },
    choice(['deploy', 'rollback', 'status', 'plan', 'setup']),
  ),

  host: setting(
    { group: 'where', doc: 'The host to deploy to: `[user@]name[:port]`; an IPv6 address with a port stands in brackets.', required: true },
    hostText,
  ),
  user: setting({ group: 'where', doc: 'The user who logs in, if `host` does not name one.', defaultText: 'the user in `host`' }, optional('', userName)),
  port: setting({ group: 'where', doc: 'The port of the SSH server, if `host` does not name one.', defaultText: 'the port in `host`, else `22`' }, optional(undefined, port)),
  'private-key': setting(
    { group: 'where', doc: 'The private key that logs in, as the text of the key file (OpenSSH or PEM). Keep it in a secret.', required: true, secret: true, untrimmed: true },
    anyText,
  ),
  passphrase: setting({ group: 'where', doc: 'The passphrase of `private-key`, if it has one.', secret: true, untrimmed: true }, anyText),
  'known-hosts': setting(
    {
      group: 'where',
      doc: 'Who the host must prove to be: lines of a known_hosts file (hashed ones too), or fingerprints (`SHA256:…`), one per line. Without it nothing is done but to show the fingerprints that the host offers.',
    },
    commands,
  ),
  app: setting(
    { group: 'where', doc: "The app's name. It also names the folder and the nginx upstream, unless these are set.", required: true },
    matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or a digit, such as shop'),
  ),
  root: setting({ group: 'where', doc: "The app's folder on the host. Everything below it belongs to the deploy.", defaultText: '`/srv/<app>`' }, optional('', rootFolder)),

  repository: setting(
    {
      group: 'code',
      doc: 'Where the host fetches the code: an https or ssh URL, `git@host:path`, a `file://` URL or an absolute path on the host.',
      defaultText: "this repository's https URL",
    },
    optional('', repositoryUrl),
  ),
  ref: setting({ group: 'code', doc: 'The branch, tag or commit to deploy.', defaultText: 'this commit' }, optional('', gitRef)),
  'repository-token': setting(
    {
      group: 'code',
      doc: "The token with which the host reads an https `repository`; it is not written to the host's disk. The workflow's own token is sent to the workflow's own GitHub server only.",
      expression: '${{ github.token }}',
      defaultText: "the workflow's token",
      secret: true,
    },
    oneLine(10_000),
  ),
  release: setting(
    { group: 'code', doc: 'For `rollback`: the release to go back to, such as `20261122T101500Z-1a2b3c4`.', defaultText: 'the release that was live before' },
    optional('', matching(/^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{7,40}$/, 'must be the id of a release, such as 20261122T101500Z-1a2b3c4')),
  ),
  'allow-older': setting(
    { group: 'code', doc: 'Deploys also a commit that is an ancestor of the one that is live. Without it such a run ends as skipped, since a newer one overtook it.', default: 'false' },
    yesOrNo,
  ),

  ports: setting({ group: 'app', doc: 'The two ports on which the app listens in turn: blue, green.', default: '9501,9502' }, slotPorts),
  listen: setting(
    { group: 'app', doc: 'Where the app listens: `port` (on `$PORT`), or `socket` (on the Unix socket `$SOCKET`, which nginx has to be set up for: `command: setup`).', default: 'port' },
    choice(['port', 'socket']),
  ),
  install: setting({ group: 'app', doc: 'Shell commands that make a fresh checkout ready to start, such as `npm ci --omit=dev`.' }, commands),
  start: setting(
    {
      group: 'app',
      doc: 'Shell commands that start the app on `$PORT`. With the supervisor `process` they stay in the foreground. Needed by `deploy` and `plan`.',
    },
    commands,
  ),
  stop: setting({ group: 'app', doc: "Shell commands that stop the app, run in the old release's folder. Needed by the supervisor `command`, and only there." }, commands),
  supervisor: setting(
    { group: 'app', doc: "Who keeps the app: `process` (`start` runs in the foreground and is ended by a signal) or `command` (`start` and `stop` are the app's own, and it puts itself in the background).", default: 'process' },
    choice(['process', 'command']),
  ),
  'port-files': setting({ group: 'app', doc: "Files of the release in which either slot's port number is replaced by the port to use, one per line or separated by commas." }, pathsInRelease('file')),
  env: setting(
    {
      group: 'app',
      doc: 'Environment of the app and of all commands: `KEY=value` lines. Values are literal; put quotes around one that spans lines. PORT, RELEASE, SHA and SLOT are set by the deploy.',
      secret: true,
      untrimmed: true,
    },
    envVariables,
  ),
  shared: setting({ group: 'app', doc: 'Files and folders that all releases share, linked into each release; one per line or separated by commas. A folder that is not in the repository ends with a slash.' }, sharedPaths),
  standby: setting(
    { group: 'app', doc: 'Leaves the old release running after the switch, until the next deploy: a rollback to it is then only a switch.', default: 'false' },
    yesOrNo,
  ),
  'before-switch': setting({ group: 'app', doc: 'Shell commands to run in the new release once it is healthy, before it gets the traffic.' }, commands),
  'after-switch': setting({ group: 'app', doc: 'Shell commands to run in the new release once it has the traffic.' }, commands),
  path: setting({ group: 'app', doc: 'Folders to put before PATH on the host, separated by colons.' }, optional('', searchPath)),
  shell: setting(
    { group: 'app', doc: 'The shell that runs the commands: its name or its full path.', defaultText: "the user's login shell" },
    optional('', matching(/^(\/|[A-Za-z0-9])[A-Za-z0-9._+/-]*$/, 'must be the name or the full path of a shell, without arguments, such as bash or /bin/zsh')),
  ),

  'health-path': setting({ group: 'health', doc: 'The path that the health check asks for.', default: '/' }, healthPath),
  'health-status': setting({ group: 'health', doc: 'The status codes that count as healthy.', default: '200-299' }, statusRanges),
  'health-host': setting({ group: 'health', doc: 'The Host header of the health check.', defaultText: 'the address that is asked' }, optional('', headerHost)),
  'health-timeout': setting({ group: 'health', doc: 'How long the new release may take to become healthy.', default: '60s' }, duration({ min: SHORTEST })),
  'health-passes': setting({ group: 'health', doc: 'How many checks in a row must pass.', default: '2' }, wholeNumber(1, 100)),

  bake: setting(
    { group: 'health', doc: 'How long to keep asking through nginx after the switch, while the old release still runs; if that goes badly, the traffic is switched back. `0s`: not at all.', default: '0s' },
    duration({ min: 0, max: 3_600_000 }),
  ),
  'bake-errors': setting(
    { group: 'health', doc: "How many of the answers in nginx's access log may be 5xx while it bakes, where that log is readable.", default: '5%' },
    percentage,
  ),

  switch: setting(
    {
      group: 'nginx',
      doc: 'How the traffic changes over: `instant` (nginx follows the link `live`, without a reload) or `reload` (the port in the upstream is replaced, and nginx reloaded).',
      defaultText: '`instant` where nginx is set up for it (`command: setup`) and answers so, else `reload`',
    },
    optional('', choice(['instant', 'reload'])),
  ),
  'nginx-upstream': setting(
    { group: 'nginx', doc: 'The name of the upstream in the nginx configuration.', defaultText: 'the value of `app`' },
    optional('', matching(/^[^\s\x00-\x1f\x7f{};"'\\$#]{1,255}$/, 'must be the name of an upstream: no spaces, quotes or any of { } ; \\ $ #')),
  ),
  'nginx-command': setting(
    { group: 'nginx', doc: 'How to call nginx on the host.', defaultText: '`nginx` as root, else `sudo -n /usr/sbin/nginx`' },
    oneLine(1000),
  ),
  'verify-url': setting(
    { group: 'nginx', doc: 'What to ask through nginx after the switch, from the host itself.', defaultText: 'the health path at the server that leads to the upstream' },
    optional('', webUrl),
  ),

  'connect-timeout': setting({ group: 'limits', doc: 'How long connecting may take.', default: '20s' }, duration({ min: SHORTEST })),
  lease: setting(
    { group: 'limits', doc: 'How long the line to the host may be silent. After that both sides give it up: the host aborts what is not switched yet and finishes what is; the action connects again and reads what became of it.', default: '60s' },
    duration({ min: 1000, max: 3_600_000 }),
  ),
  retries: setting(
    { group: 'limits', doc: 'How often a run is begun anew by itself when its line to the host was lost and nothing had been switched.', default: '1' },
    wholeNumber(0, 10),
  ),
  'step-timeout': setting({ group: 'limits', doc: 'How long any one step may take that has no limit of its own.', default: '15m' }, duration({ min: SHORTEST })),
  'lock-timeout': setting({ group: 'limits', doc: 'How long to wait for another deploy of this app on the host. `0s`: do not wait.', default: '15m' }, duration({ min: 0 })),
  'switch-timeout': setting({ group: 'limits', doc: 'How long nginx may take to run new workers and to answer from the new slot.', default: '10s' }, duration({ min: SHORTEST })),
  'drain-timeout': setting({ group: 'limits', doc: 'How long the old slot may take to answer the requests that it still has. `0s`: do not wait.', default: '30s' }, duration({ min: 0 })),
  'stop-timeout': setting({ group: 'limits', doc: 'How long the old app may take to end before it is killed.', default: '10s' }, duration({ min: 0 })),
  'keep-releases': setting({ group: 'limits', doc: 'How many releases stay on the host.', default: '5' }, wholeNumber(1, 1000)),

  'github-token': setting(
    {
      group: 'reports',
      doc: 'The token for the check run (`checks: write`) and the deployment (`deployments: write`).',
      expression: '${{ github.token }}',
      defaultText: "the workflow's token",
      secret: true,
    },
    oneLine(10_000),
  ),
  environment: setting({ group: 'reports', doc: 'The environment to name in reports. With it, and with `deployments: write`, each deploy is also a GitHub deployment.' }, oneLine(255)),
  'environment-url': setting({ group: 'reports', doc: "The environment's URL, shown with the GitHub deployment." }, optional('', webUrl)),
});
