import { randomBytes } from 'node:crypto';

/** What the agent says, one word and its arguments a line. The texts in it are decoded already. */
export type AgentMessage =
  | { type: 'begin' }
  /** Nothing but that it is there. */
  | { type: 'alive' }
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

/** The longest lines of the agent that are waited for, in characters: the facts have the whole nginx configuration in them. */
const LONGEST_FACTS = 16 * 1024 * 1024;
const LONGEST_MESSAGE = 1024 * 1024;

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
  /** The end of the output that may be the beginning of a message. */
  private pending = '';
  /** An unfinished message, in the pieces in which it came: to join them each time would take the square of its length. */
  private pieces: string[] | undefined;
  private length = 0;

  constructor(
    mark: string,
    private readonly onMessage: (message: AgentMessage) => void,
    private readonly onOutput: (text: string) => void,
  ) {
    this.opening = `\n${mark} `;
  }

  /** @throws Error when the agent sends what it never would */
  push(text: string): void {
    let rest = this.pending + text;
    this.pending = '';
    for (;;) {
      if (this.pieces) {
        const end = rest.indexOf('\n');
        this.collect(this.pieces, end < 0 ? rest : rest.slice(0, end));
        if (end < 0) return;
        const message = parseMessage(this.pieces.join(''));
        this.pieces = undefined;
        rest = rest.slice(end + 1);
        if (message) this.onMessage(message);
      }
      const at = rest.indexOf(this.opening);
      if (at < 0) break;
      this.output(rest.slice(0, at));
      rest = rest.slice(at + this.opening.length);
      this.pieces = [];
      this.length = 0;
    }
    const held = this.heldBack(rest);
    this.output(rest.slice(0, rest.length - held));
    this.pending = rest.slice(rest.length - held);
  }

  /** The stream has ended: what was held back is output after all. A message that was cut off tells nothing. */
  end(): void {
    this.output(this.pending);
    this.pending = '';
    this.pieces = undefined;
  }

  private collect(pieces: string[], text: string): void {
    if (text) pieces.push(text);
    this.length += text.length;
    if (this.length <= LONGEST_MESSAGE) return;
    // Its first word may have come in pieces, none of them empty.
    const isFacts = pieces.slice(0, 'facts '.length).join('').startsWith('facts ');
    if (!isFacts || this.length > LONGEST_FACTS) throw new Error('the agent sent a message without an end');
  }

  private output(text: string): void {
    if (text) this.onOutput(text);
  }

  /** How many characters at the end may be the beginning of a message. */
  private heldBack(text: string): number {
    for (let length = Math.min(this.opening.length - 1, text.length); length > 0; length--) {
      if (this.opening.startsWith(text.slice(-length))) return length;
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
    case 'alive':
    case 'held':
      return { type };
    case 'step-start':
      return /^[a-z-]{1,40}$/.test(first) ? { type, step: first } : undefined;
    case 'step-end':
      if (!isHow(second) || !/^\d{1,3}$/.test(third) || !/^\d{1,12}$/.test(fourth)) return undefined;
      return { type, step: first, how: second, status: Number(third), ms: Number(fourth) };
    case 'note':
      return isLevel(first) ? { type, level: first, text: words.slice(1).join(' ') } : undefined;
    case 'note64':
      return isLevel(first) ? { type: 'note', level: first, text: decode(second) } : undefined;
    case 'problem':
      return { type, what: brief(decode(first)), next: brief(decode(second)), settings: decode(third).split(' ').filter(isSettingName).slice(0, 20), details: decode(fourth) };
    case 'log':
      return { type, text: decode(first) };
    case 'facts':
      return { type, data: first };
    case 'ledger':
      return { type, line: decode(first) };
    case 'end':
      return isResult(first) ? { type, result: first, live: /^(blue|green)$/.test(second) ? second : '', release: /^[\w.-]{1,80}$/.test(third) ? third : '' } : undefined;
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

/** Sentences, as an annotation can hold them. */
function brief(text: string): string {
  return text.length > 8000 ? `${text.slice(0, 8000)}…` : text;
}

function isSettingName(word: string): boolean {
  return /^[a-z][a-z-]{0,30}$/.test(word);
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
