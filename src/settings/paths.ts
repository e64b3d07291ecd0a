import { hasControlCharacter, items, right, wrong, type Parsed, type Parser } from './parsed.js';

/** Folders of the system itself: a root must not be one of them, it may be below one. */
const SYSTEM_FOLDERS = new Set(
  [
    '/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /lost+found /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var',
    '/etc/nginx /etc/ssh /etc/systemd /usr/bin /usr/lib /usr/local /usr/local/bin /usr/sbin /usr/share',
    '/var/backups /var/cache /var/lib /var/log /var/run /var/spool /var/tmp',
  ].flatMap((line) => line.split(' ')),
);

/** Nothing can be kept in these, however deep. */
const KERNEL_FOLDERS = /^\/(proc|sys|dev)\//;

/** The app's folder: an absolute path, normalized; one slash at its end is taken away. */
export function rootFolder(text: string): Parsed<string> {
  if (hasControlCharacter(text)) return wrong('must not contain control characters');
  const path = text.length > 1 ? text.replace(/\/$/, '') : text;
  if (!path.startsWith('/')) return wrong('must be an absolute path, such as /srv/shop');
  if (SYSTEM_FOLDERS.has(path) || KERNEL_FOLDERS.test(path)) return wrong("must be a folder of the app's own, such as /srv/shop, not one of the system's");
  if (!path.split('/').slice(1).every(isPlainPart)) return wrong('must be a path without //, . and .. in it, such as /srv/shop');
  return right(path);
}

/**
 * A parser for a list of paths inside a release, by lines or commas. Doubles are dropped.
 *
 * @param what the singular word used in messages, such as `file`
 */
export function pathsInRelease(what: string): Parser<string[]> {
  return (text) => {
    const paths = [...new Set(items(text).map((path) => path.replace(/\/$/, '')))];
    const bad = paths.filter((path) => !isInsideRelease(path));
    if (bad.length) return wrong(`each ${what} must be a path inside the release, without a leading / or -, without .. and control characters, such as config/app.json`);
    return right(paths);
  };
}

/**
 * The paths that the host links from `shared` into each release; one inside the other cannot be linked. A slash at the end
 * stays: it says that the path is a folder, which the host can make.
 */
export function sharedPaths(text: string): Parsed<string[]> {
  const parsed = pathsInRelease('path')(text);
  if ('wrong' in parsed) return parsed;
  const inner = parsed.value.find((path) => parsed.value.some((other) => path.startsWith(`${other}/`)));
  if (inner !== undefined) return wrong('must not name a path inside another one of the list: the outer one is enough');
  if (parsed.value.some((path) => /^\.release\.json$|^\.git(\/|$)/.test(path))) return wrong('must not name .release.json or .git');
  const folders = new Set(items(text).filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1)));
  return right(parsed.value.map((path) => (folders.has(path) ? `${path}/` : path)));
}

/** Folders for PATH, separated by colons; `~` and `$HOME` are not expanded, so each must be absolute. */
export function searchPath(text: string): Parsed<string> {
  if (hasControlCharacter(text)) return wrong('must be one line without control characters');
  if (!text.split(':').every((folder) => folder.startsWith('/'))) {
    return wrong('must be absolute folders separated by colons, such as /home/deploy/.local/bin:/opt/node/bin (~ and $HOME are not expanded)');
  }
  return right(text);
}

function isInsideRelease(path: string): boolean {
  return !hasControlCharacter(path) && !path.startsWith('-') && path.split('/').every(isPlainPart);
}

function isPlainPart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..';
}
