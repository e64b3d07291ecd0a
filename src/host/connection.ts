import type { Socket } from 'node:net';
import { Writable, type Readable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { DeployError } from '../errors.js';
import { printable } from './handshake-errors.js';
import { addressText, type Address } from './socket.js';

/** A command that runs on the host. Both outputs have to be read (or resumed) for `closed` to settle before the connection ends. */
export interface Channel {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** Settles once and never rejects. `code` is null after a signal, and when the connection ended before the command. */
  closed: Promise<{ code: number | null; signal: string | null }>;
}

export interface Connection {
  /**
   * Starts a command by the user's login shell.
   *
   * @throws DeployError if the host refuses, the connection is lost, or the time limit for connecting passes without an answer
   */
  exec(command: string): Promise<Channel>;
  /** Ends the connection and all that runs over it. Not reported to `onLost`. */
  close(): void;
  /** `SHA256:…` of the key that the host proved. */
  hostFingerprint: string;
  /** Called once if the connection ends without `close`; at once (but not before returning) if that happened already. */
  onLost(callback: (error: DeployError) => void): void;
}

interface Carrier {
  client: Client;
  socket: Socket;
  address: Address;
  hostFingerprint: string;
  /** Limit for starting a command, in milliseconds. */
  limitMs: number;
}

/** How long the rest of a command's output is waited for after its end, in milliseconds. */
const leftoversMs = 2000;

/** How long a polite end may take before the socket is torn down, in milliseconds. */
const farewellMs = 1000;

/** Makes a connection of a client that is logged in. */
export function connectionOf(carrier: Carrier): Connection {
  const { client, socket, address } = carrier;
  let closing = false;
  let lost: DeployError | undefined;
  const whenOver = new Set<() => void>();
  const lostCallbacks: ((error: DeployError) => void)[] = [];

  const finish = (reason: string): void => {
    socket.destroy();
    if (!lost) {
      lost = closing ? closedByUs(address) : lostError(address, reason);
      for (const over of [...whenOver]) over();
      if (!closing) for (const callback of lostCallbacks.splice(0)) callback(lost);
    }
  };
  client.on('error', (error) => finish(error.message));
  client.on('end', () => finish('the host closed it'));
  client.on('close', () => finish('the host closed it'));
  if (socket.destroyed) setImmediate(() => finish('the host closed it'));

  return {
    hostFingerprint: carrier.hostFingerprint,
    onLost(callback) {
      if (!lost) lostCallbacks.push(callback);
      else if (!closing) queueMicrotask(() => lost && callback(lost));
    },
    close() {
      if (closing || lost) return;
      closing = true;
      client.end();
      setTimeout(() => finish('closed'), farewellMs).unref();
    },
    exec(command) {
      return new Promise((resolve, reject) => {
        let late = false;
        const fail = (error: DeployError): void => {
          late = true;
          settle();
          reject(error);
        };
        const over = (): void => fail(lost ?? lostError(address, 'it is closed'));
        const limit = setTimeout(() => fail(execTooLate(address, carrier.limitMs)), carrier.limitMs);
        const settle = (): void => {
          clearTimeout(limit);
          whenOver.delete(over);
        };
        if (lost || closing) return over();
        whenOver.add(over);
        try {
          client.exec(command, (error, channel) => {
            if (late) return void channel?.close();
            settle();
            if (error) return reject(execRefused(address, error.message));
            resolve(channelOf(channel, whenOver));
          });
        } catch {
          over();
        }
      });
    },
  };
}

function channelOf(channel: ClientChannel, whenOver: Set<() => void>): Channel {
  let exit: { code: number | null; signal: string | null } = { code: null, signal: null };
  const stdin = stdinOf(channel);
  for (const stream of [stdin, channel, channel.stderr]) stream.on('error', () => {});
  const closed = new Promise<typeof exit>((resolve) => {
    const settle = (how: typeof exit): void => {
      whenOver.delete(over);
      stdin.destroy();
      resolve(how);
    };
    const over = (): void => settle({ code: null, signal: null });
    whenOver.add(over);
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = { code: code ?? null, signal: signal ?? null };
      // What it left behind may keep its output open for ever.
      setTimeout(() => settle(exit), leftoversMs).unref();
    });
    channel.on('close', () => settle(exit));
  });
  return { stdin, stdout: channel, stderr: channel.stderr, closed };
}

/** A write to a channel whose line is dead never calls back in ssh2. This stream is torn down with the channel, and then what waits gets an error. */
function stdinOf(channel: ClientChannel): Writable {
  let waiting: ((error?: Error | null) => void) | undefined;
  const settle = (error?: Error | null): void => {
    const done = waiting;
    waiting = undefined;
    done?.(error);
  };
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      waiting = done;
      channel.write(chunk, settle);
    },
    final: (done) => void channel.end(() => done()),
    destroy(error, done) {
      settle(error ?? new Error('the command has ended'));
      done(error);
    },
  });
}

function lostError(address: Address, reason: string): DeployError {
  const why = reason === 'Keepalive timeout' ? 'the host gave no sign of life any more' : printable(reason).slice(0, 300);
  return new DeployError({
    host: address.host,
    what: `The connection to ${addressText(address)} was lost: ${why}`,
    next: 'Check whether the host was restarted, and the network between here and there. Then run it again.',
  }, true);
}

function closedByUs(address: Address): DeployError {
  return new DeployError({ host: address.host, what: `The connection to ${addressText(address)} was closed`, next: 'Run it again.' });
}

function execTooLate(address: Address, limitMs: number): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `${addressText(address)} did not start a command within ${limitMs / 1000} s`,
    next: 'The host is overloaded or the line is stuck. For a slow host raise connect-timeout.',
    settings: ['connect-timeout'],
  }, true);
}

function execRefused(address: Address, reason: string): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `${addressText(address)} does not let this user run a command: ${printable(reason).slice(0, 300)}`,
    next: 'Check the user\'s login shell, and MaxSessions and Match blocks in the host\'s sshd_config.',
    settings: ['user'],
  });
}
