import { workingPath, compiled } from './compiled.js';
import type { Directive, NginxConfig } from './config.js';

const mainDirectives = (config: NginxConfig, name: string): Directive[] =>
  config.directives.filter((directive) => directive.name === name && directive.args.length > 0);

/**
 * The file that holds the master process's id: the `pid` directive, else `--pid-path`, else /run/nginx.pid.
 * @param nginxV what `nginx -V` prints
 */
export function masterPidFile(config: NginxConfig, nginxV: string | undefined): string {
  const path = mainDirectives(config, 'pid')[0]?.args[0] ?? compiled(nginxV, 'pid-path');
  return path === undefined ? '/run/nginx.pid' : workingPath(path, nginxV);
}

/**
 * The file that nginx's own errors go to: the first `error_log` of the main context that is a file, else
 * `--error-log-path`, else /var/log/nginx/error.log. Empty when they go to no file (stderr, syslog, memory).
 * @param nginxV what `nginx -V` prints
 */
export function errorLogFile(config: NginxConfig, nginxV: string | undefined): string {
  const written = mainDirectives(config, 'error_log').map((directive) => directive.args[0] ?? '');
  const paths = written.length ? written : [compiled(nginxV, 'error-log-path') ?? '/var/log/nginx/error.log'];
  const file = paths.find((path) => path !== 'stderr' && !/^(syslog|memory):/.test(path));
  return file === undefined ? '' : workingPath(file, nginxV);
}

/**
 * The user that nginx's workers run as: the `user` directive, else `--user`, else `nobody`.
 * @param nginxV what `nginx -V` prints
 */
export function workerUser(config: NginxConfig, nginxV?: string): string {
  return mainDirectives(config, 'user')[0]?.args[0] ?? compiled(nginxV, 'user') ?? 'nobody';
}

/** The version that `nginx -V` names (`1.22.1`; of OpenResty and the like their own); empty when it names none. */
export function nginxVersion(nginxV: string): string {
  return / version: [^/\s]+\/([0-9][0-9A-Za-z.-]*)/.exec(nginxV)?.[1] ?? '';
}
