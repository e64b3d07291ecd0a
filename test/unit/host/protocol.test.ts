import { describe, expect, test } from '@jest/globals';
import { AgentReader, decode, newMark, parseMessage, request, type AgentMessage } from '../../../src/host/protocol.js';

const mark = newMark();

function read(chunks: string[]): { messages: AgentMessage[]; output: string } {
  const messages: AgentMessage[] = [];
  let output = '';
  const reader = new AgentReader(mark, (message) => messages.push(message), (text) => (output += text));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { messages, output };
}

describe('the agent’s lines are told from the output of what it runs', () => {
  const stream = `motd of the host\n\n${mark} begin 12\nhello\n${mark} step-start clone\npartial line\n${mark} note notice 1a2b3c4 a | b\n\n${mark} step-end clone ok 0 120\n\n${mark} end success blue 2026-x\n`;

  test('whatever way the stream is cut', () => {
    for (const size of [1, 2, 3, 7, 50, 10_000]) {
      const chunks = stream.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      const { messages, output } = read(chunks);
      expect(messages.map(({ type }) => type)).toEqual(['begin', 'step-start', 'note', 'step-end', 'end']);
      expect(output).toBe('motd of the host\nhellopartial line');
      expect(messages[2]).toEqual({ type: 'note', level: 'notice', text: '1a2b3c4 a | b' });
      expect(messages[4]).toEqual({ type: 'end', result: 'success', live: 'blue', release: '2026-x' });
    }
  });

  test('output that looks like a message of another session is output', () => {
    const { messages, output } = read([`\n${newMark()} end success blue x\n`, 'mark end success\n']);
    expect(messages).toEqual([]);
    expect(output).toContain('end success blue x');
  });

  test('garbage with the right mark is no message', () => {
    for (const line of ['', 'end', 'end fine blue', 'step-end clone ok x 5', 'step-end clone maybe 0 5', 'note shout hello', 'step-start A;B', 'unknown 1 2']) expect(parseMessage(line)).toBeUndefined();
  });

  test('endless output keeps nothing', () => {
    let seen = 0;
    const reader = new AgentReader(mark, () => {}, (text) => (seen += text.length));
    for (let round = 0; round < 200; round++) reader.push(`${'x'.repeat(65_536)}\n`);
    expect(seen).toBeGreaterThan(200 * 65_000);
    expect(JSON.stringify(reader).length).toBeLessThan(1000);
  });

  test('a message without an end is given up', () => {
    const reader = new AgentReader(mark, () => {}, () => {});
    reader.push(`\n${mark} facts `);
    expect(() => {
      for (let round = 0; round < 80; round++) reader.push('x'.repeat(1024 * 1024));
    }).toThrow('without an end');
  });

  test('texts travel as base64, the empty one as a dot', () => {
    expect(decode('.')).toBe('');
    expect(decode(Buffer.from('ä\n').toString('base64'))).toBe('ä\n');
    expect(request('plan', "a\n'b'")).toBe(`plan ${Buffer.from("a\n'b'").toString('base64')}\n`);
  });
});
