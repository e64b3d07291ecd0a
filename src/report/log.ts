import { randomUUID } from 'node:crypto';
import * as core from '@actions/core';
import { problemText, type Problem } from '../errors.js';
import type { Event, Outcome, Reporter } from '../events.js';
import { colourText, inert, LastOutput, oneLine, plainText } from './clean.js';
import { conclusionMarks, duration, problemAnnotation, stepAnnotation, stepLine } from './format.js';
import { LogAnnotations } from './log-annotations.js';

const levelMarks = { notice: '·', warning: '!', failure: '✗' } as const;

/**
 * The job's log: a group for each step with its output as it comes, a line for each step that ended, the outcome.
 * Whatever comes from elsewhere is written while workflow commands are stopped, or on a line that cannot be one.
 */
export class LogReporter implements Reporter {
  private group: string | undefined;
  private stopToken: string | undefined;
  private midLine = false;
  /** What the unfinished line ends with, as far as it matters. */
  private lineEnd = '';
  private failed = false;
  private readonly output = new LastOutput();
  private readonly annotations: LogAnnotations;

  constructor(app: string) {
    this.annotations = new LogAnnotations(app, (write) => this.command(write));
  }

  /** Switches annotations in the log on, for good: the steps that ended before get theirs now. */
  set annotate(on: boolean) {
    if (on) this.annotations.switchOn();
  }

  /** A line of the reporters' own. */
  say(text: string): void {
    this.line(oneLine(text, 4000));
  }

  start(): void {}

  event(event: Event): void {
    if (event.type === 'step-start') this.open(event.step);
    else if (event.type === 'output') this.stream(event.text);
    else if (event.type === 'note') this.foreign(`${levelMarks[event.level]} ${plainText(event.text)}\n`);
    else if (event.type === 'step-end') {
      this.close();
      this.line(stepLine(event.result, event.problem));
      this.failed ||= event.result.status === 'failure';
      this.annotations.add(stepAnnotation(event.result, event.problem, this.output.last(60, 4096)));
    }
  }

  finish(outcome: Outcome): Promise<void> {
    this.close();
    this.line(`${conclusionMarks[outcome.conclusion]} ${oneLine(outcome.sentence)} (${duration(outcome.durationMs)})`);
    if (outcome.extraText) {
      this.foreign(`\n${plainText(outcome.extraText).trimEnd()}\n`);
      this.resumeCommands();
    }
    if (outcome.problem) {
      if (!this.failed) this.annotations.add(problemAnnotation(outcome.problem));
      this.showProblem(outcome.problem);
    }
    this.annotations.end();
    return Promise.resolve();
  }

  private showProblem(problem: Problem): void {
    const details = plainText(problem.details).trimEnd();
    this.foreign(`\n${plainText(problemText(problem))}\n${details ? `\n${details}\n` : ''}`);
    this.resumeCommands();
  }

  private open(step: string): void {
    this.close();
    this.output.clear();
    this.command(() => core.startGroup(oneLine(step)));
    this.group = step;
  }

  private close(): void {
    this.command(() => {
      if (this.group !== undefined) core.endGroup();
    });
    this.group = undefined;
  }

  private stream(text: string): void {
    this.output.add(text);
    this.foreign(colourText(text));
  }

  /** Runs something that writes workflow commands: at the start of a line, with commands in force. */
  private command(write: () => void): void {
    this.resumeCommands();
    this.endLine();
    write();
  }

  /** Text that may hold anything, also what looks like a workflow command. */
  private foreign(text: string): void {
    if (!text) return;
    if (this.stopToken === undefined) {
      this.endLine();
      this.stopToken = randomUUID();
      this.write(`::stop-commands::${this.stopToken}\n`);
    }
    // A long line comes in pieces: `##` may have ended the last one.
    const joined = inert(this.lineEnd + text);
    this.write(joined.slice(this.lineEnd.length));
  }

  private resumeCommands(): void {
    if (this.stopToken === undefined) return;
    this.endLine();
    this.write(`::${this.stopToken}::\n`);
    this.stopToken = undefined;
  }

  /** One line that begins with words or a mark of ours. */
  private line(text: string): void {
    this.endLine();
    this.write(`${inert(text)}\n`);
  }

  private endLine(): void {
    if (this.midLine) this.write('\n');
  }

  private write(text: string): void {
    process.stdout.write(text);
    this.midLine = !text.endsWith('\n');
    this.lineEnd = /#{0,2}$/.exec((this.lineEnd + text).slice(-2))?.[0] ?? '';
  }
}
