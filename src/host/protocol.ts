import { randomBytes } from 'node:crypto';

/** What the agent says, one word and its arguments a line. The texts in it are decoded already. */
export type AgentMessage =
  | { type: 'begin' }
  | { type: 'step-start'; step: string }
  | { type: 'step-end'; step: string; how: 'ok' | 'warned' | 'failed' | 'aborted'; status: number; ms: number }
  | { type: 'note'; level: 'notice' | 'warning' | 'failure'; text: string }
  | { type: 'problem'; what: string; next: string; settings: string[]; details: string }
  /** The end of the app's log. */
  | { type: 'log'; text: string }
  /** Facts of the survey: lines `name base64`, compressed; still encoded. */
  | { type: 'facts'; data: string }
  /** A line of the ledger. */
  | { type: 'ledger'; line: string }
  /** The run that was asked for still goes on. */
  | { type: 'held' }
  | { type: 'end'; result: 'success' | 'failed' | 'aborted' | 'skipped' | 'looked'; live: string; release: string };

/** The longest line of the agent that is waited for: the facts, with the whole nginx configuration in them. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;

/** A word that no output can guess; the agent begins each of its lines with it. */
export function newMark(): string {
  return `bluegreen-${randomBytes(12).toString('hex')}`;
}

/**
 * Takes the agent's standard output apart into its messages and the output of what it runs. Keeps no more than
 * one unfinished message, whatever comes.
 */
export class AgentReader {
  private readonly opening: string;
  private pending = '';

  constructor(
    mark: string,
    private readonly onMessage: (message: AgentMessage) => void,
    private readonly onOutput: (text: string) => void,
  ) {
    this.opening = `\n${mark} `;
  }

  /** @throws Error when the agent sends what it never would */
  push(text: string): void {
    this.pending += text;
    for (;;) {
      const at = this.pending.indexOf(this.opening);
      if (at < 0) break;
      this.output(this.pending.slice(0, at));
      const begin = at + this.opening.length;
      const end = this.pending.indexOf('\n', begin);
      if (end < 0) {
        this.pending = this.pending.slice(at);
        if (this.pending.length > LONGEST_MESSAGE) throw new Error('the agent sent a message without an end');
        return;
      }
      const line = this.pending.slice(begin, end);
      this.pending = this.pending.slice(end + 1);
      const message = parseMessage(line);
      if (message) this.onMessage(message);
    }
    const held = this.heldBack();
    this.output(this.pending.slice(0, this.pending.length - held));
    this.pending = this.pending.slice(this.pending.length - held);
  }

  /** The stream has ended: what was held back is output after all. */
  end(): void {
    this.output(this.pending);
    this.pending = '';
  }

  private output(text: string): void {
    if (text) this.onOutput(text);
  }

  /** How many characters at the end may be the beginning of a message. */
  private heldBack(): number {
    for (let length = Math.min(this.opening.length - 1, this.pending.length); length > 0; length--) {
      if (this.opening.startsWith(this.pending.slice(-length))) return length;
    }
    return 0;
  }
}

/** A message, or nothing for a line that no agent of this version writes. */
export function parseMessage(line: string): AgentMessage | undefined {
  const [type, ...words] = line.split(' ');
  const [first = '', second = '', third = '', fourth = ''] = words;
  switch (type) {
    case 'begin':
    case 'held':
      return { type };
    case 'step-start':
      return /^[a-z-]+$/.test(first) ? { type, step: first } : undefined;
    case 'step-end':
      if (!isHow(second) || !/^\d+$/.test(third) || !/^\d+$/.test(fourth)) return undefined;
      return { type, step: first, how: second, status: Number(third), ms: Number(fourth) };
    case 'note':
      return isLevel(first) ? { type, level: first, text: words.slice(1).join(' ') } : undefined;
    case 'note64':
      return isLevel(first) ? { type: 'note', level: first, text: decode(second) } : undefined;
    case 'problem':
      return { type, what: decode(first), next: decode(second), settings: decode(third).split(' ').filter(Boolean), details: decode(fourth) };
    case 'log':
      return { type, text: decode(first) };
    case 'facts':
      return { type, data: first };
    case 'ledger':
      return { type, line: decode(first) };
    case 'end':
      return isResult(first) ? { type, result: first, live: second === 'none' ? '' : second, release: third } : undefined;
    default:
      return undefined;
  }
}

/** A dot stands for the empty text, so that words stay countable. */
export function decode(word: string): string {
  return word === '.' ? '' : Buffer.from(word, 'base64').toString('utf8');
}

/** A line that says nothing but that somebody is there. */
export const BEAT = 'beat\n';

/** One request to the agent: a line. */
export function request(word: 'request' | 'token' | 'env' | 'plan', text: string): string {
  return `${word} ${Buffer.from(text, 'utf8').toString('base64')}\n`;
}

function isHow(word: string): word is 'ok' | 'warned' | 'failed' | 'aborted' {
  return ['ok', 'warned', 'failed', 'aborted'].includes(word);
}

function isLevel(word: string): word is 'notice' | 'warning' | 'failure' {
  return ['notice', 'warning', 'failure'].includes(word);
}

function isResult(word: string): word is 'success' | 'failed' | 'aborted' | 'skipped' | 'looked' {
  return ['success', 'failed', 'aborted', 'skipped', 'looked'].includes(word);
}
