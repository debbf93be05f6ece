/** Opens a connection to a server. */

import type { Socket } from 'node:net';
import { HeddleError } from '../errors.ts';
import { createFraming, type CustomFraming, type ServiceFraming } from '../framing/framing.ts';
import { type ConnectOptions, type ConnectSettings, parseConnectOptions } from '../options/connect-options.ts';
import { formatDuration } from '../options/values/duration.ts';
import { type NameOf, nameInLibrary } from '../options/source.ts';
import { onAbort } from './abort-listeners.ts';
import { Connection } from './connection.ts';
import { peerText } from './peer-text.ts';
import { openerFor, type Opening } from './open-socket.ts';
import { reasonOfAll } from './reason-of-all.ts';
import { tlsReason } from './tls-reasons.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused. Is the server running? Start it with: heddle serve',
  ENOTFOUND: 'no such host. Is its name right?',
  EAI_AGAIN: 'the name cannot be looked up. Is there a network?',
  EHOSTUNREACH: 'no way to that host. Is the address right?',
  ENETUNREACH: 'no way to that network. Is the address right?',
  ECONNRESET: 'the server cut it off. Does it speak TLS, if you do?',
  ETIMEDOUT: 'no answer. Is the address right, and its port open in the firewall?',
};

const UNIX_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket. Is the server running? Start it with: heddle serve --unix PATH',
  ECONNREFUSED: 'no server has it open. Is the server running? Start it with: heddle serve --unix PATH',
  EACCES: 'no permission. Run this as the user of the server, or let others in with: heddle serve --unix-mode 0666',
  EPROTOTYPE: 'it is no socket for connections. Is the path right?',
  EAGAIN: 'the server is running, but too many clients wait for it already. Try again',
};

/**
 * Connects to a server, Heddle's or any other that speaks the same framing.
 * Rejects with HEDDLE_INVALID_OPTION, HEDDLE_CONNECT, or HEDDLE_TIMEOUT after `timeout`.
 *
 * `nameOf` is for the command, whose options have other names in errors.
 *
 * @example
 * await using connection = await connect({ port: 12345, framing: 'line' });
 * const reply = await connection.request('hello');
 * console.log(reply.toString());
 */
export async function connect(options?: ConnectOptions, nameOf: NameOf = nameInLibrary): Promise<Connection> {
  const settings = parseConnectOptions(options);
  const made = createFraming(strict(settings.framing), settings.maxMessageLength);
  const framing = made.forClient?.(undefined) ?? made;
  const peer = peerText(settings);
  const refuse = (cause: NodeJS.ErrnoException): HeddleError => refused(settings, peer, cause, nameOf);
  const socket = await connected(settings, peer, await openerFor(settings, nameOf), refuse);
  const { timeout, signal } = settings;
  return new Connection({ socket, framing, peer, timeout, signal, nameOf });
}

/** Replies end with their line feed: the beginning of one, from a server that is gone, must not look like a whole one. */
function strict(framing: ServiceFraming | CustomFraming): ServiceFraming | CustomFraming {
  if (framing === 'line') return { line: 'lf', atEnd: 'refuse' };
  const isOpen = typeof framing === 'object' && 'line' in framing && framing.atEnd === undefined;
  return isOpen ? { ...framing, atEnd: 'refuse' } : framing;
}

function connected(
  settings: ConnectSettings,
  peer: string,
  open: () => Opening,
  refuse: (cause: Error) => HeddleError,
): Promise<Socket> {
  const { timeout, signal } = settings;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(peer, signal));
    const { socket, ready } = open();
    const timer = timeout === Infinity ? undefined : setTimeout(() => socket.destroy(tooSlow(peer, timeout)), timeout);
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      forget();
      socket.off(ready, settle).off('error', settle);
      if (error === undefined) resolve(socket);
      else reject(error instanceof HeddleError ? error : refuse(error));
    };
    const forget = onAbort(signal, () => void socket.destroy(aborted(peer, signal)));
    socket.on(ready, settle).on('error', settle);
  });
}

function refused({ unix }: ConnectSettings, peer: string, cause: NodeJS.ErrnoException, nameOf: NameOf): HeddleError {
  const reasons = unix === undefined ? REASONS : UNIX_REASONS;
  const reasonOf = (each: NodeJS.ErrnoException): string =>
    reasons[each.code ?? '']?.replace('PATH', () => unix ?? '') ?? tlsReason(each, nameOf) ?? each.message;
  const reason = reasonOfAll(cause, reasonOf);
  return new HeddleError('HEDDLE_CONNECT', `Cannot connect to ${peer}: ${reason}`, {
    cause,
    ...(cause.code !== undefined && { errno: cause.code }),
    ...(cause.syscall !== undefined && { syscall: cause.syscall }),
  });
}

function tooSlow(peer: string, timeout: number): HeddleError {
  const within = `no answer within ${formatDuration(timeout)}`;
  const text = `Cannot connect to ${peer}: ${within}. Is the address right, and its port open in the firewall?`;
  return new HeddleError('HEDDLE_TIMEOUT', text);
}

function aborted(peer: string, signal: AbortSignal | undefined): HeddleError {
  return new HeddleError('HEDDLE_CONNECT', `Connecting to ${peer} was ended by its signal`, { cause: signal?.reason });
}
