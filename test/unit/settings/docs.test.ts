import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readmeTraffic } from '../../../bench/traffic-report.mjs';
import { actionYml, outputsTable, readmeTable } from '../../../src/settings/docs.js';
import { outputs } from '../../../src/settings/outputs.js';
import { settingsSchema } from '../../../src/settings/schema.js';
import { GROUPS, setting, settingInfos } from '../../../src/settings/setting.js';
import { anyText } from '../../../src/settings/text.js';

describe('the schema', () => {
  const all = Object.entries(settingsSchema.shape).map(([name, schema]) => ({ name, info: settingInfos.get(schema) }));

  test('describes every setting in a sentence or a few, and names it in kebab-case', () => {
    for (const { name, info } of all) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(info?.doc).toMatch(/^[A-Z][^\n|]{10,300}[.]$/);
    }
  });

  test('has its settings in the order of the groups', () => {
    const order = all.map(({ info }) => GROUPS.indexOf(info?.group ?? 'what'));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test('takes each of its defaults', () => {
    for (const schema of Object.values(settingsSchema.shape)) {
      const info = settingInfos.get(schema);
      if (info?.default !== undefined) expect(schema.safeParse('')).toEqual(schema.safeParse(info.default));
      expect(schema.safeParse('').success).toBe(info?.required !== true);
    }
  });

  test('keeps as secret what is one', () => {
    expect(all.filter(({ info }) => info?.secret).map(({ name }) => name)).toEqual(['private-key', 'passphrase', 'repository-token', 'env', 'github-token']);
  });
});

describe('what is made from it', () => {
  const schema = {
    shape: {
      colour: setting({ group: 'app', doc: `It's "red" | 'blue'.`, default: 'red: #1' }, anyText),
      size: setting({ group: 'what', doc: 'How large it is.', defaultText: 'as it comes', expression: '${{ github.token }}' }, anyText),
      shape: setting({ group: 'what', doc: 'What it looks like.', defaultText: 'round' }, anyText),
      name: setting({ group: 'app', doc: 'The name.', required: true }, anyText),
    },
  };

  test('action.yml has an input for each setting', () => {
    expect((parse(actionYml(schema)) as { inputs: unknown }).inputs).toEqual({
      colour: { description: `It's "red" | 'blue'.`, required: false, default: 'red: #1' },
      size: { description: 'How large it is.', required: false, default: '${{ github.token }}' },
      shape: { description: 'What it looks like. Default: round.', required: false },
      name: { description: 'The name.', required: true },
    });
  });

  test('the README has a row for each, by groups', () => {
    expect(readmeTable(schema).split('\n')).toEqual([
      '| Setting | What it is | Default |',
      '| --- | --- | --- |',
      '|  | **what** |  |',
      '| `size` | How large it is. | as it comes |',
      '| `shape` | What it looks like. | round |',
      '|  | **app** |  |',
      `| \`colour\` | It's "red" \\| 'blue'. | \`red: #1\` |`,
      '| `name` | The name. | *required* |',
    ]);
    expect(outputsTable().split('\n')).toHaveLength(outputs.length + 2);
  });

  test('a setting without a description is a mistake of ours', () => {
    expect(() => actionYml({ shape: { x: settingsSchema } })).toThrow('the setting x has no description');
  });
});

describe('scripts/generate.mjs', () => {
  let root = '';
  const generate = (...args: string[]) => spawnSync(process.execPath, ['scripts/generate.mjs', '--root', root, ...args], { encoding: 'utf8' });
  const file = (name: string) => join(root, name);
  const text = (name: string) => readFileSync(file(name), 'utf8');

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'bluegreen-docs-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('says what is missing, and writes nothing, with --check', () => {
    const { status, stderr } = generate('--check');
    expect(status).toBe(1);
    expect(stderr).toMatch(/action\.yml differs.*\nREADME\.md differs/);
    expect(existsSync(file('action.yml'))).toBe(false);
  });

  const traffic = readmeTraffic(JSON.parse(readFileSync('bench/traffic.json', 'utf8')) as Parameters<typeof readmeTraffic>[0]);

  test('writes action.yml and a README with both tables, which then pass', () => {
    expect(generate().status).toBe(0);
    expect(text('action.yml')).toBe(actionYml());
    expect(text('README.md')).toContain(`<!-- settings:start -->\n\n${readmeTable()}\n\n<!-- settings:end -->`);
    expect(text('README.md')).toContain(`<!-- outputs:start -->\n\n${outputsTable()}\n\n<!-- outputs:end -->`);
    expect(generate('--check')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  test('changes a README between the markers only', () => {
    writeFileSync(file('README.md'), 'before $& $1\n<!-- settings:start -->\nold\n<!-- settings:end -->\nmiddle\n<!-- outputs:start --><!-- outputs:end -->\nafter\n<!-- traffic:start --><!-- traffic:end -->');
    expect(generate('--check')).toMatchObject({ status: 1, stderr: expect.stringMatching(/^README\.md differs from what it is made from, from line 3 on\n/) });
    expect(generate().status).toBe(0);
    const [before, middle, after] = ['before $& $1\n<!-- settings:start -->', '<!-- settings:end -->\nmiddle\n<!-- outputs:start -->', '<!-- outputs:end -->\nafter\n<!-- traffic:start -->'];
    expect(text('README.md')).toBe(`${before}\n\n${readmeTable()}\n\n${middle}\n\n${outputsTable()}\n\n${after}\n\n${traffic}\n\n<!-- traffic:end -->`);
    expect(generate('--check').status).toBe(0);
  });

  test('finds an edit by hand', () => {
    writeFileSync(file('action.yml'), text('action.yml').replace('node24', 'node20'));
    expect(generate('--check')).toMatchObject({ status: 1, stderr: expect.stringContaining('action.yml differs') });
  });

  test('does not guess at half a pair of markers', () => {
    writeFileSync(file('README.md'), '<!-- settings:start -->\n');
    expect(generate('--check')).toMatchObject({ status: 1, stderr: expect.stringContaining('both markers') });
  });
});
