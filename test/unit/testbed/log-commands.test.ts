import { expect, test } from '@jest/globals';
import { logCommands } from '../../../testbed/log-commands.mjs';

const names = (log: string): string[] => logCommands(log).map(({ command }) => command);

test.each([
  ['::error file=a%2Cb,line=3::two%0Alines', [{ command: 'error', properties: { file: 'a,b', line: '3' }, data: 'two\nlines' }]],
  [' \t\u2028\x85::debug::x', [{ command: 'debug', properties: {}, data: 'x' }]],
  ['text ##[set-output name=a;x=1]b%5D', [{ command: 'set-output', properties: { name: 'a', x: '1' }, data: 'b]' }]],
  ['::Add-Mask::x', [{ command: 'add-mask', properties: {}, data: 'x' }]],
])('%j is taken', (line, commands) => expect(logCommands(line)).toEqual(commands.map((one) => ({ ...one, line: 1 }))));

test.each(['text ::error::x', ': :error::x', '::error', '::unknown::x', '##[error', '## [error]x', '\ufeff::error::x', ':::error::x'])('%j is not', (line) => expect(names(line)).toEqual([]));

test('carriage returns end lines too', () => expect(names('a\r::error::b\r\n::debug::c')).toEqual(['error', 'debug']));

test('nothing is taken while commands are stopped, but for the token, in either form', () => {
  const log = '::stop-commands::t0k\n::error::a\n##[error]b\n::stop-commands::other\n::other::\n::T0K::\n::error::c\n::stop-commands::x\na ##[x]\n::debug::d';
  expect(names(log)).toEqual(['stop-commands', 'resume', 'error', 'stop-commands', 'resume', 'debug']);
});
