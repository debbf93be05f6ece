/** Talks to a server: one connection as its client sees it. */

import type { Socket } from 'node:net';
import { HeddleError } from '../errors.ts';
import type { Framing } from '../framing/frame.ts';
import type { NameOf } from '../options/source.ts';
import { isCutShort } from '../sys/tls-end.ts';
import { onAbort } from './abort-listeners.ts';
import { Inbox } from './inbox.ts';
import { encodeMessage, type Message } from './message-writer.ts';
import { MessageReader } from './message-reader.ts';
import { tlsReason } from './tls-reasons.ts';

/** Reading stops while this many bytes of messages wait to be taken, and goes on when half of them are. */
const HIGH_WATER_BYTES = 2 ** 20;

/** How long `close` waits for the server to take what was sent. */
const CLOSE_TIMEOUT_MS = 5_000;

export interface ConnectionParts {
  readonly socket: Socket;
  readonly framing: Framing;
  readonly timeout: number;
  /** `127.0.0.1:12345`, for errors. */
  readonly peer: string;
  readonly signal: AbortSignal | undefined;
  /** How errors name options. */
  readonly nameOf: NameOf;
}

/**
 * A connection to a server. Messages are bytes, and `toString()` makes text of one; with a framing of your own, what is received is what
 * its `decode` gives, and what is sent is what its `encode` takes.
 */
export class Connection<Received = Buffer, Sent = Message> implements AsyncDisposable {
  /** Resolves when the connection is closed, by whomever and for whatever reason. */
  readonly closed: Promise<void>;
  readonly #parts: ConnectionParts;
  readonly #inbox = new Inbox<Received>();
  readonly #reader: MessageReader<Received>;
  #finished = false;
  #closing = false;
  #failure: HeddleError | undefined;
  /** The server has ended TLS without its own word for it: somebody else may have cut the connection. */
  #isCutShort = false;

  /** Used by `connect`; takes over a connected socket. */
  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#reader = new MessageReader(parts.framing);
    const { socket, signal } = parts;
    if ('encrypted' in socket) this.#watchEnd(socket);
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#fail(this.#lost(error)));
    const forget = onAbort(signal, () => void this.#fail(this.#aborted()));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        forget();
        this.#finished = true;
        this.#inbox.end(this.#failure);
        resolve();
      });
    });
    if (signal?.aborted === true) this.#fail(this.#aborted());
  }

  /**
   * Sends `message` and resolves with the reply. Several may be under way: replies are matched in order.
   * Rejects with HEDDLE_CLOSED, HEDDLE_MESSAGE_TOO_LONG, HEDDLE_BAD_FRAME, or HEDDLE_TIMEOUT (which closes the
   * connection, since a late reply would be taken for that of the next request).
   */
  async request(message: Sent): Promise<Received> {
    this.#write(message);
    const reply = await this.#next(() => this.#fail(this.#timedOut('no reply')));
    if (reply === undefined) throw this.#closedBefore('it replied');
    return reply;
  }

  /**
   * Sends `message`; resolves when there is room to send more, so that waiting for it bounds memory.
   * Rejects with HEDDLE_CLOSED, HEDDLE_BAD_FRAME or HEDDLE_MESSAGE_TOO_LONG.
   */
  async send(message: Sent): Promise<void> {
    const hasRoom = this.#write(message);
    if (!hasRoom) await this.#drained();
  }

  /**
   * Resolves with the next message from the server; with undefined once the server has finished.
   * Rejects with HEDDLE_CLOSED, HEDDLE_MESSAGE_TOO_LONG, HEDDLE_BAD_FRAME, or HEDDLE_TIMEOUT (and may be called again).
   */
  receive(): Promise<Received | undefined> {
    return this.#next(() => this.#timedOut('no message'));
  }

  /** Receives message after message, until the server has finished. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Received, void, void> {
    for (let message = await this.receive(); message !== undefined; message = await this.receive()) yield message;
  }

  /** Tells the server that nothing more will be sent; what it still sends can be received. */
  finish(): void {
    this.#finished = true;
    this.#parts.socket.end();
  }

  /** Sends what is still to be sent, for at most 5 s, and closes. Requests under way reject with HEDDLE_CLOSED. */
  async close(): Promise<void> {
    this.#finished = true;
    this.#closing = true;
    const { socket } = this.#parts;
    this.#inbox.end();
    const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
    socket.resume();
    socket.destroySoon();
    await this.closed;
    clearTimeout(timer);
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #next(onTimeout: () => HeddleError): Promise<Received | undefined> {
    const message = this.#inbox.take(this.#parts.timeout, onTimeout);
    const { socket } = this.#parts;
    if (socket.isPaused() && this.#inbox.size <= HIGH_WATER_BYTES / 2) socket.resume();
    return message;
  }

  #write(message: Sent): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    const { socket, framing, peer } = this.#parts;
    if (this.#finished || !socket.writable) {
      const text = `Nothing more can be sent to ${peer}: the connection is closed, or this side has finished`;
      throw new HeddleError('HEDDLE_CLOSED', text);
    }
    const hasRoom = socket.write(encodeMessage(message, framing));
    // With this framing a message is whatever comes until the client finishes: it goes out only so.
    if (framing.name === 'end') this.finish();
    return hasRoom;
  }

  #drained(): Promise<void> {
    const { socket } = this.#parts;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        if (socket.destroyed && socket.writableLength > 0)
          reject(this.#failure ?? this.#closedBefore('it took the message'));
        else resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    try {
      for (const message of this.#reader.read(chunk)) this.#inbox.put(message, this.#reader.lastLength);
    } catch (error) {
      this.#fail(asHeddleError(error));
    }
    if (this.#inbox.size > HIGH_WATER_BYTES) this.#parts.socket.pause();
  }

  /** Takes note of how the server ends TLS, which only shows at that moment. */
  #watchEnd(socket: Socket): void {
    const push = socket.push.bind(socket);
    socket.push = (chunk: Buffer | null) => {
      if (chunk === null) this.#isCutShort = isCutShort(socket);
      return push(chunk);
    };
  }

  #onEnd(): void {
    try {
      const last = this.#reader.finish();
      if (last !== undefined && this.#isCutShort && this.#parts.framing.endCompletes) throw this.#cutShort();
      if (last !== undefined) this.#inbox.put(last, this.#reader.lastLength);
      this.#inbox.end();
    } catch (error) {
      this.#fail(asHeddleError(error));
    }
  }

  #fail(failure: HeddleError): HeddleError {
    this.#failure ??= failure;
    this.#inbox.end(this.#failure);
    this.#parts.socket.destroy();
    return failure;
  }

  #lost(cause: NodeJS.ErrnoException): HeddleError {
    const isCut = cause.code === 'ECONNRESET' || cause.code === 'EPIPE';
    const what = isCut ? 'the server cut it off' : (tlsReason(cause, this.#parts.nameOf) ?? cause.message);
    return new HeddleError('HEDDLE_CLOSED', `The connection to ${this.#parts.peer} is lost: ${what}`, {
      cause,
      ...(cause.code !== undefined && { errno: cause.code }),
      ...(cause.syscall !== undefined && { syscall: cause.syscall }),
    });
  }

  #cutShort(): HeddleError {
    const text = `The connection to ${this.#parts.peer} ended without close_notify: the last message may be a part of one`;
    return new HeddleError('HEDDLE_CLOSED', text);
  }

  #closedBefore(what: string): HeddleError {
    return new HeddleError('HEDDLE_CLOSED', `The server at ${this.#parts.peer} closed the connection before ${what}`);
  }

  #aborted(): HeddleError {
    const cause: unknown = this.#parts.signal?.reason;
    return new HeddleError('HEDDLE_CLOSED', `The connection to ${this.#parts.peer} was ended by its signal`, { cause });
  }

  #timedOut(what: string): HeddleError {
    return new HeddleError(
      'HEDDLE_TIMEOUT',
      `There was ${what} from ${this.#parts.peer} within ${this.#parts.timeout} ms`,
    );
  }
}

function asHeddleError(error: unknown): HeddleError {
  return error instanceof HeddleError ? error : new HeddleError('HEDDLE_BAD_FRAME', String(error), { cause: error });
}
