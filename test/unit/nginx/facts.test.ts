import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../../src/nginx/config.js';
import { errorLogFile, masterPidFile, nginxVersion, workerUser } from '../../../src/nginx/facts.js';
import { dumpOf } from './samples.js';

const debian = `nginx version: nginx/1.22.1
built with OpenSSL 3.0.22 25 Aug 2026
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 --pid-path=/no --user=no' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --error-log-path=stderr --pid-path=/run/other.pid --modules-path=/usr/lib/nginx/modules
`;
const source = 'nginx version: nginx/1.29.7\nconfigure arguments: --user=web --error-log-path=logs/e.log --prefix=/opt/nginx/ --pid-path=run/n.pid\n';
const config = (text: string) => readConfig(dumpOf(text));

describe('the file of the master process', () => {
  test.each([
    ['pid /var/run/nginx.pid;', debian, '/var/run/nginx.pid'],
    ['pid logs/nginx.pid;', debian, '/usr/share/nginx/logs/nginx.pid'],
    ['pid logs/nginx.pid;', source, '/opt/nginx/logs/nginx.pid'],
    ['pid logs/nginx.pid;', undefined, '/usr/local/nginx/logs/nginx.pid'],
    ['# pid /no;\nhttp { }', debian, '/run/other.pid'],
    ['', source, '/opt/nginx/run/n.pid'],
    ['', undefined, '/run/nginx.pid'],
    ['', 'nginx version: nginx/1.0\n', '/run/nginx.pid'],
  ])('%j', (text, nginxV, expected) => {
    expect(masterPidFile(config(text), nginxV)).toBe(expected);
  });
});

describe('the error log', () => {
  test.each([
    ['error_log /var/log/e.log warn; http { error_log /no; }', debian, '/var/log/e.log'],
    ['error_log syslog:server=10.0.0.1; error_log logs/e.log;', debian, '/usr/share/nginx/logs/e.log'],
    ['error_log stderr;', source, ''],
    ['error_log memory:32m debug;', source, ''],
    ['http { error_log /no; }', source, '/opt/nginx/logs/e.log'],
    ['', debian, ''],
    ['', undefined, '/var/log/nginx/error.log'],
  ])('%j', (text, nginxV, expected) => {
    expect(errorLogFile(config(text), nginxV)).toBe(expected);
  });
});

test.each([
  ['user www-data;', debian, 'www-data'],
  ['user deploy staff;', undefined, 'deploy'],
  ['', source, 'web'],
  ['', debian, 'nobody'],
])('the workers’ user by %j', (text, nginxV, expected) => {
  expect(workerUser(config(text), nginxV)).toBe(expected);
});

test.each([
  [debian, '1.22.1'],
  [source, '1.29.7'],
  ['nginx version: openresty/1.21.4.1', '1.21.4.1'],
  ['nginx version: nginx/1.27.1 (nginx-plus-r33)', '1.27.1'],
  ['sh: nginx: not found', ''],
])('the version in %j', (text, expected) => {
  expect(nginxVersion(text)).toBe(expected);
});
