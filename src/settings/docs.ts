import { outputs } from './outputs.js';
import { settingsSchema } from './schema.js';
import { GROUPS, settingInfos, type SettingInfo } from './setting.js';

/** The schema of the settings, or another one of the same kind. */
export type Schema = Pick<typeof settingsSchema, 'shape'> | { shape: Record<string, Parameters<typeof settingInfos.get>[0]> };

/** The whole text of action.yml. */
export function actionYml(schema: Schema = settingsSchema): string {
  const lines = [
    '# Made from src/settings by `node scripts/generate.mjs`: change it there.',
    'name: Blue-green deploy behind nginx',
    `description: ${quoted('Deploys a commit to the idle one of two slots over one SSH session, checks it, and gives it the traffic in nginx. Rolls back too.')}`,
    'author: bluegreen-action contributors',
    'branding:',
    '  icon: repeat',
    '  color: green',
    'inputs:',
    ...settingsOf(schema).flatMap(({ name, info }) => inputLines(name, info)),
    'outputs:',
    ...outputs.flatMap(({ name, doc }) => [`  ${name}:`, `    description: ${quoted(doc)}`]),
    'runs:',
    '  using: node24',
    '  main: dist/index.js',
    '  post: dist/post.js',
    '  post-if: always()',
  ];
  return `${lines.join('\n')}\n`;
}

/** The table of all settings as Markdown, without a line break at its end. */
export function readmeTable(schema: Schema = settingsSchema): string {
  const settings = settingsOf(schema);
  const rows = GROUPS.flatMap((group) => {
    const members = settings.filter(({ info }) => info.group === group);
    return [...(members.length ? [['', `**${group}**`, '']] : []), ...members.map(({ name, info }) => [`\`${name}\``, info.doc, defaultCell(info)])];
  });
  return table(['Setting', 'What it is', 'Default'], rows);
}

/** The table of the outputs as Markdown, without a line break at its end. */
export function outputsTable(): string {
  return table(
    ['Output', 'What it is'],
    outputs.map(({ name, doc }) => [`\`${name}\``, doc]),
  );
}

function settingsOf(schema: Schema): { name: string; info: SettingInfo }[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const info = settingInfos.get(field);
    if (!info) throw new Error(`the setting ${name} has no description`);
    return { name, info };
  });
}

function inputLines(name: string, info: SettingInfo): string[] {
  const value = info.default ?? info.expression;
  const words = value === undefined && info.defaultText !== undefined ? ` Default: ${info.defaultText}.` : '';
  return [
    `  ${name}:`,
    `    description: ${quoted(info.doc + words)}`,
    `    required: ${info.required === true}`,
    ...(value === undefined ? [] : [`    default: ${quoted(value)}`]),
  ];
}

function defaultCell(info: SettingInfo): string {
  if (info.required) return '*required*';
  return info.defaultText ?? (info.default === undefined ? '' : `\`${info.default}\``);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A string in YAML's single quotes, in which only the quote itself means something. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}
