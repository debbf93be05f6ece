/** Reads off a socket of Node's how much has come and gone, without touching its bytes. */
import type { Socket } from 'node:net';

/**
 * Node's own handle of a socket, which is read for what no call of Node's tells: what came below TLS, and what a library has written
 * past the socket. Its counters can be read for a while after it was closed.
 */
interface Handle {
  readonly bytesRead: number;
  /** Bytes that were given to the handle. */
  readonly bytesWritten: number;
  /** How many of them the kernel has not taken. */
  readonly writeQueueSize: number;
  /** Below zero once it is closed. */
  readonly fd?: number;
  reset?(): unknown;
}

/** Under TLS, `raw` is the socket below; without TLS, both are the same. */
export class SocketGauge {
  readonly #socket: Socket;
  readonly #top: Handle | undefined;
  readonly #raw: Handle | undefined;
  #read = 0;
  #taken = 0;
  #received = 0;
  #sent = 0;

  constructor(socket: Socket, raw: Socket) {
    this.#socket = socket;
    this.#top = handleOf(socket);
    this.#raw = handleOf(raw);
  }

  /** The fd that Node has; below zero: it has closed it. */
  get fd(): number {
    return this.#raw?.fd ?? -1;
  }

  /** Whether the kernel can be told through Node to reset the connection: it is one of TCP. */
  get canReset(): boolean {
    return typeof this.#raw?.reset === 'function';
  }

  /** How many bytes the library has written, and Node keeps. */
  get waiting(): number {
    // A library that has begun TLS by itself (STARTTLS) writes past the socket.
    return Math.max(this.#socket.writableLength, this.#raw?.writeQueueSize ?? 0);
  }

  /** Whether a byte has come since this was asked last. */
  hasRead(): boolean {
    const read = this.#raw?.bytesRead ?? this.#read;
    const hasChanged = read !== this.#read;
    this.#read = read;
    return hasChanged;
  }

  /** Whether the kernel has taken a byte since this was asked last. */
  hasSent(): boolean {
    const { bytesWritten = 0, writeQueueSize = 0 } = this.#raw ?? {};
    const taken = bytesWritten - writeQueueSize;
    const hasChanged = taken !== this.#taken;
    this.#taken = taken;
    return hasChanged;
  }

  /** How many bytes have come since this was asked last: under TLS, of what was encrypted. */
  countReceived(): number {
    const before = this.#received;
    this.#received = this.#top?.bytesRead ?? before;
    return this.#received - before;
  }

  /** How many bytes were sent since this was asked last. */
  countSent(): number {
    const before = this.#sent;
    this.#sent = this.#top?.bytesWritten ?? before;
    return this.#sent - before;
  }
}

function handleOf(socket: Socket): Handle | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null };
  return handle ?? undefined;
}
