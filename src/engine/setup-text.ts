import { dirname } from 'node:path';
import { quote } from '../host/quote.js';
import type { FileWrite, SetupPlan, ShownChange } from '../nginx/setup.js';

/** What setup has done, for the log. */
export function doneText({ writes, shown }: SetupPlan): string {
  const managed = writes.filter(({ hunks }) => !hunks);
  return [
    ...managed.map(({ file, after }) => `Written: ${file}\n\n${indented(after)}`),
    shown.length ? `Changed, with the line as it was before:\n\n${shown.map(changeText).join('\n')}` : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** What root has to do, for the log: commands to paste, and lines to change by hand. */
export function toDoText({ writes, shown }: SetupPlan, folder: string, nginxCommand: string): string {
  const managed = writes.filter(({ hunks }) => !hunks);
  const nginx = nginxCommand.replace(/^sudo\s+(-n\s+)?/, '');
  return [
    'As root, on the host:',
    managed.length ? [`install -d -m 755 ${quoted(dirname(managed[0]?.file ?? folder))}`, ...managed.map(fileCommand)].join('\n') : '',
    shown.length ? `Change these lines. Their numbers are those of now, so begin with the last one:\n\n${shown.map(changeText).join('\n')}` : '',
    'Then:',
    `${nginx} -t && ${nginx} -s reload`,
    'Run setup again after it: it says whether nginx follows.',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** The text of a file as a command that writes it, whatever the user's umask is. */
function fileCommand({ file, after }: FileWrite): string {
  const lines = after.replace(/\n$/, '').split('\n').map((line) => `  ${quote(line)} \\\n`).join('');
  return `printf '%s\\n' \\\n${lines}  > ${quoted(file)}\nchmod 644 ${quoted(file)}`;
}

function changeText({ file, line, where, remove, add }: ShownChange): string {
  return [`${file}:${line}${where && ` (${where})`}`, remove && `  - ${remove}`, add && `  + ${add}`].filter(Boolean).join('\n');
}

const indented = (text: string): string => text.trimEnd().split('\n').map((line) => `    ${line}`).join('\n');

const quoted = (path: string): string => (/^[A-Za-z0-9._/:-]+$/.test(path) ? path : quote(path));
