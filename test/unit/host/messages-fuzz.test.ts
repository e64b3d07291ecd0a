import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { DeployError } from '../../../src/errors.js';
import type { Event, Outcome } from '../../../src/events.js';
import { parsedLine, readFacts } from '../../../src/engine/facts.js';
import { makePlan } from '../../../src/engine/plan.js';
import { Progress } from '../../../src/engine/progress.js';
import { statusOf } from '../../../src/engine/status.js';
import { AgentReader, newMark, parseMessage, type AgentMessage } from '../../../src/host/protocol.js';
import { summaryMarkdown } from '../../../src/report/summary.js';
import { seeded } from '../../random.js';
import { ledgerLine, one, run, settingsOf, sha, two } from '../engine/facts.js';

const SEED = 20_261_125;
const mark = newMark();
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const recipe = { supervisor: 'process', listen: 'port', start: 'x', stop: '', shell: '', path: '', portFiles: ['a'], healthStatus: [{ from: 200, to: 299 }], healthPath: '/', healthHost: '', stopTimeoutMs: 1, drainTimeoutMs: 1, healthTimeoutMs: 1, healthPasses: 1 };

/** What a survey of a host with two releases tells. */
const facts = [
  'user =deploy', 'uid =1000', 'time =20261122T101500Z', 'addresses =10.0.0.5 ', 'tools = git flock setsid curl awk sed gzip', 'disk =9000000 4096 900000', `commit =${sha('a')}`,
  'root =writable', 'live =slots/blue', `slot.blue.release =${two}`, `slot.blue.sha =${sha('b')}`, 'slot.blue.port =9501', 'slot.blue.supervisor =process', 'slot.blue.alive =yes',
  `slot.green.release =${one}`, `slot.green.sha =${sha('c')}`, 'slot.green.port =9502', 'slot.green.commit +', '1700000000', 'Ada', 'subject', mark, 'listener.9501 =deploy', 'port.9501 =1000 12 13', 'slot.blue.pids =12 13',
  `release =${JSON.stringify({ id: one, sha: sha('c'), ref: 'main', recipe })}`, `release =${JSON.stringify({ id: two, sha: sha('b'), ref: 'main', recipe })}`,
  'ledger +', ledgerLine('deploy', one), ledgerLine('deploy', two), mark, 'waslive +', one, two, mark, 'size =2000 100',
  'nginx.command =nginx', 'nginx.status =0', 'nginx.version =nginx version: nginx/1.22.1', 'nginx.running =yes', 'nginx.files =/etc/nginx/nginx.conf\t/etc/nginx/nginx.conf\tyes\t1 2',
  'nginx.dump +', '# configuration file /etc/nginx/nginx.conf:', 'events {}', 'http {', 'upstream shop { server 127.0.0.1:9501; }', 'server { listen 80; location / { proxy_pass http://shop; } }', '}', '', mark, '',
].join('\n');
const packed = (text: string): string => gzipSync(text, { level: 1 }).toString('base64');

const messages = [
  'begin 12', 'step-start survey', 'step-start clone', 'step-start install', 'step-end survey ok 0 120', 'step-end clone failed 143 5', 'step-end install aborted 1 5', 'step-end drain warned 1 9',
  'note notice all is well', `note64 warning ${base64('two\nlines')}`, `problem ${base64('what')} ${base64('next')} ${base64('root user')} .`, `log ${base64('app\nlog')}`,
  `facts ${packed(facts)}`, `ledger ${base64(ledgerLine('deploy', two))}`, `end success blue ${two}`, 'end failed none ', 'end looked green x', 'end aborted none', 'end skipped blue x',
].map((line) => `\n${mark} ${line}\n`);

/** What parsers stumble over. */
const PIECES = [
  ...' \n\r\t\0\x1b\x85\u2028=+.:/-#{}[]"\\\'0179azAZ', mark, `\n${mark}`, `\n${mark} `, mark.slice(0, -1), newMark(), '\n\n', ' =', ' +\n', '\ud800', '🦊', '\ufffd', '__proto__', 'constructor =x', '{"__proto__":{"run":"x"}}',
  'end success', 'step-start ', 'facts ', 'plan ', 'note failure ', '::set-output name=a::b', '##[error]', '-1', '1e999', '9'.repeat(40), 'NaN', '='.repeat(9), base64('\0\xff'), '[', '['.repeat(200), 'x'.repeat(3000), 'null', '{"id":1}',
];

function mutated(text: string, random: (below: number) => number, most = 6): string {
  let changed = text;
  for (let times = random(most); times >= 0; times--) {
    const at = random(changed.length + 1);
    const length = random(4) ? random(6) : random(200);
    const piece = PIECES[random(PIECES.length)] ?? '';
    const kind = random(5);
    if (kind === 0) changed = changed.slice(0, at) + changed.slice(at + length);
    else if (kind === 1) changed = changed.slice(0, at) + changed.slice(at, at + length) + changed.slice(at);
    else if (kind === 2) changed = changed.slice(0, at);
    else changed = changed.slice(0, at) + piece + changed.slice(at + random(2) * length);
  }
  return changed;
}

function read(chunks: string[]): { messages: AgentMessage[]; output: string } {
  const found: AgentMessage[] = [];
  let output = '';
  const reader = new AgentReader(mark, (message) => found.push(message), (text) => (output += text));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { messages: found, output };
}

function cut(text: string, random: (below: number) => number): string[] {
  const chunks: string[] = [];
  const longest = [1, 3, 30, 3000][random(4)] ?? 1;
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + random(longest);
    chunks.push(text.slice(at, end));
    at = end;
  }
  return chunks;
}

/** What a message may be: nothing in it that a report or a plan would take for something else. */
function isInBounds(message: AgentMessage): boolean {
  if (message.type === 'step-start') return /^[a-z-]{1,40}$/.test(message.step);
  if (message.type === 'step-end') return message.status >= 0 && message.status < 1000 && message.ms >= 0 && message.ms < 1e12;
  if (message.type === 'problem') return message.settings.length <= 20 && message.settings.every((name) => /^[a-z][a-z-]*$/.test(name)) && message.what.length <= 8001;
  if (message.type === 'end') return ['', 'blue', 'green'].includes(message.live) && /^[\w.-]{0,80}$/.test(message.release);
  return true;
}

/** @returns what was thrown; undefined when nothing was */
function refusal(act: () => unknown): DeployError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof DeployError) return error;
    throw error;
  }
}

test(`streams of messages and garbage, cut at random: read alike however they are cut (seed ${SEED})`, () => {
  const random = seeded(SEED);
  let heard = 0;
  for (let round = 0; round < 6000; round++) {
    const parts = Array.from({ length: 1 + random(8) }, () => (random(3) ? messages[random(messages.length)] : `${PIECES[random(PIECES.length)]}output\n`) ?? '');
    const stream = random(4) ? mutated(parts.join(''), random) : parts.join('');
    const whole = read([stream]);
    expect(read(cut(stream, random))).toEqual(whole);
    expect(whole.messages.filter((message) => !isInBounds(message))).toEqual([]);
    expect(whole.output.length).toBeLessThanOrEqual(stream.length);
    heard += whole.messages.length;
  }
  // Most cases must have been messages, not only garbage.
  expect(heard).toBeGreaterThan(10_000);
});

test('a message at every byte of the cut, and nothing of a message that was cut off', () => {
  const stream = `out\n${messages.join('between\n')}`;
  const whole = read([stream]);
  expect(whole.messages).toHaveLength(messages.length);
  for (let at = 0; at <= stream.length; at++) {
    expect(read([stream.slice(0, at), stream.slice(at)])).toEqual(whole);
    const begun = read([stream.slice(0, at)]);
    expect(whole.messages.slice(0, begun.messages.length)).toEqual(begun.messages);
    // What may have been the beginning of a mark is output when nothing comes after it.
    const opening = `\n${mark} `;
    const rest = Array.from(opening, (_, length) => length).filter((length) => begun.output.endsWith(opening.slice(0, length)));
    expect(rest.some((length) => whole.output.startsWith(begun.output.slice(0, begun.output.length - length)))).toBe(true);
  }
});

test(`lines with the right mark: a message within bounds, or none (seed ${SEED + 1})`, () => {
  const random = seeded(SEED + 1);
  let none = 0;
  for (let round = 0; round < 8000; round++) {
    const message = parseMessage(mutated((messages[random(messages.length)] ?? '').slice(mark.length + 2, -1), random, 3));
    if (!message) none++;
    else expect(isInBounds(message)).toBe(true);
  }
  expect(none).toBeGreaterThan(1000);
  expect(none).toBeLessThan(7000);
});

test(`facts: a plan, or a problem that is told (seed ${SEED + 2})`, () => {
  const random = seeded(SEED + 2);
  const commands = [settingsOf(), settingsOf({ command: 'rollback', start: '' }), settingsOf({ command: 'status' }), settingsOf({ listen: 'socket' })] as const;
  const count = { plans: 0, refusals: 0 };
  for (let round = 0; round < 4000; round++) {
    const settings = commands[random(commands.length)] ?? commands[0];
    const text = mutated(facts, random, 4);
    const data = random(8) ? packed(text) : mutated(packed(text), random, 2);
    const refused = refusal(() => {
      const found = readFacts(data, mark);
      if (found.commit) expect(found.commit).toMatch(/^[0-9a-f]{40}$/);
      if (settings.command === 'status') statusOf(settings, found, new DeployError({ what: 'x', next: 'x' }).problem);
      else makePlan(settings, found, run);
    });
    if (refused) expect(refused.problem.next).not.toBe('');
    count[refused ? 'refusals' : 'plans']++;
  }
  expect(count.plans).toBeGreaterThan(500);
  expect(count.refusals).toBeGreaterThan(500);
});

test.each([
  ['nothing', ''],
  ['no base64', '\0€€€'],
  ['no gzip', base64('hello')],
  ['half of it', packed(facts.repeat(9)).slice(0, 400)],
  ['zeros that are packed small', packed('\0'.repeat(40_000_000))],
  ['millions of facts', packed('a =\n'.repeat(7_000_000))],
  ['millions of the same', packed('release ={}\n'.repeat(2_000_000))],
  ['one fact of megabytes', packed(`ledger =${'x'.repeat(5_000_000)}\n`)],
])('facts that are %s: refused in bounded memory', (_, data) => {
  const before = process.memoryUsage().rss;
  const refused = refusal(() => readFacts(data, mark));
  expect(refused?.problem).toMatchObject({ step: 'survey', what: 'what the host tells of itself cannot be read' });
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
});

test('facts with lines of nothing in them, by the million: little is kept', () => {
  const found = readFacts(packed(`${'\n'.repeat(30_000_000)}user =ada\n`), mark);
  expect(found.user).toBe('ada');
});

test('bombs in JSON tell nothing and change nothing', () => {
  const bombs = ['['.repeat(400_000), `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`, '{"__proto__":{"polluted":"yes"},"run":"x"}', '{"constructor":{"prototype":{"polluted":"yes"}}}', `{"steps":[${'{"ms":1},'.repeat(50_000)}{"ms":1}]}`, '{"steps":[{"__proto__":null}]}', 'null', '[]', '"x"', `{"run":${'9'.repeat(10_000)}}`];
  for (const bomb of bombs) {
    for (const line of parsedLine(bomb)) for (const value of [line.run, line.outcome, line.liveRelease]) expect(typeof value).toBe('string');
    expect(readFacts(packed(`release =${bomb}\nledger =${bomb}\n`), mark).releases).toEqual([]);
  }
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});

// In pieces of 7 characters: to join them again for each would take the square of the length, which is hours.
test('a message without an end is given up, whichever it is and however it comes', () => {
  for (const [word, most] of [['note notice ', 2], ['facts ', 20], ['problem ', 2], ['', 2], ['end ', 2]] as const) {
    for (const size of [7, 32 * 1024]) {
      const reader = new AgentReader(mark, () => {}, () => {});
      let taken = 0;
      expect(() => {
        reader.push(`\n${mark} ${word.slice(0, 3)}`);
        reader.push(word.slice(3));
        for (; taken < 200 * 1024 * 1024; taken += size) reader.push('x'.repeat(size));
      }).toThrow('without an end');
      expect(taken).toBeLessThan(most * 1024 * 1024);
    }
  }
});

test('a mark without an end, and marks without number: nothing is kept', () => {
  const reader = new AgentReader(mark, () => {}, () => {});
  for (let round = 0; round < 20_000; round++) reader.push(`\n${mark}`);
  for (let round = 0; round < 20_000; round++) reader.push(`\n${mark} \n`);
  expect(JSON.stringify(reader).length).toBeLessThan(1000);
});

test('notes and steps without bound: little is kept, the summary stays below 1 MiB, the steps come to an end', () => {
  const events: Event['type'][] = [];
  const progress = new Progress((event) => void (events.length < 1000 && events.push(event.type)), () => 0, 0, 'host');
  progress.begin('clone');
  const [long, begun] = ['n'.repeat(50_000), process.memoryUsage().heapUsed];
  for (let round = 0; round < 100_000; round++) progress.note('notice', `${round} ${long}`);
  progress.end('success');
  expect(refusal(() => {
    for (let round = 0; round < 100_000; round++) progress.begin('install');
  })?.problem.what).toContain('more steps than there are');
  progress.end('aborted');
  expect(process.memoryUsage().heapUsed - begun).toBeLessThan(100 * 1024 * 1024);
  expect(progress.steps.length).toBeLessThan(200);
  const outcome: Outcome = { conclusion: 'failure', sentence: 's', switched: false, decided: true, release: '', previousRelease: '', sha: '', slot: '', port: 0, startedAt: 0, durationMs: 1, steps: progress.steps };
  expect(Buffer.byteLength(summaryMarkdown(outcome, { app: 'shop', environment: '' }))).toBeLessThan(1024 * 1024);
});
