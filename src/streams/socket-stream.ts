/** Reads and writes one client of Node's the way a non-blocking socket is read and written. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import type { Socket } from 'node:net';
import type { ClientTls } from '../connection/client.ts';
import type { Generation } from '../sharing/connection-table.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../sys/constants.ts';
import { EAGAIN, ECONNRESET, resultOf } from '../sys/errno.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { SocketAddress } from '../sys/sys.ts';
import { isCutShort } from '../sys/tls-end.ts';
import { tlsProblem } from './tls-errors.ts';

/** Nothing more is read from the client, or taken for it, while this many bytes wait. */
const MARK = 64 * 1024;

/** Up to this many bytes, the memory of what has arrived is used once more, for a reply. */
const MAX_SPARE_BYTES = 2048;

/** How long a client may take to read the last bytes that were sent to it, in ms, after its connection was closed. */
const LEAVE_TIMEOUT_MS = 30_000;

/** A client whose socket Node has. */
export interface StreamClient {
  readonly fd: number;
  readonly generation: Generation;
  readonly socket: Socket;
  readonly tls: ClientTls | undefined;
}

/**
 * Node's stream calls back when there is something to do; a connection asks for as much as it wants when it wants it.
 * Between the two, this keeps what has arrived, and tells of each change what epoll would (EPOLLET): `readiness`.
 *
 * A socket of Node's gives each piece that it has read to its own `push`, the method with which every stream is filled.
 * Ours is put in its place: with what `push` does (a buffer that we have too, an event, and a tick in which it looks for
 * more) a message over TLS costs 9 % more CPU (docs/internals/decisions/node-internals.md). The end of what the client sends
 * takes Node's way.
 */
export class SocketStream {
  readonly fd: number;
  readonly generation: Generation;
  /** What TLS has found out about the client; `undefined` without TLS, or before it. */
  tls: ClientTls | undefined;
  /** Its connection was closed, and its last bytes are on their way: its thread counts it as closing. */
  isLeaving = false;
  /** It waits to be served. */
  isDue = false;
  /** Under TLS, what the client sends has ended without its own word for it. */
  isCutShort = false;
  /** What the client has done against TLS. */
  problem: string | undefined = undefined;
  #socket: Socket;
  readonly #ready: (stream: SocketStream) => void;
  readonly #pieces: Buffer[] = [];
  /** A piece that was taken, whose memory nobody else has: most replies are as long as their messages. */
  #spare: Buffer | undefined = undefined;
  /** How many bytes have arrived and were not taken. */
  #length = 0;
  #ended = false;
  #isPaused = false;
  /** Nothing more is taken for the client while this many bytes wait; 0: during a handshake. */
  #room = MARK;
  /** The errno of a broken connection. */
  #failure = 0;
  #discards = false;
  /** The service has sent something. */
  #hasSent = false;
  /** How many bytes the kernel kept of what was sent, when that was asked last. */
  #inKernel = 0;
  #interest: number;
  /** Something has arrived since `isQuiet` was asked. */
  #hasArrived = false;

  /**
   * Takes over the socket of a client, under TLS after the handshake. `interest` is as below; `ready` is called when there
   * is something to do, possibly often.
   */
  constructor({ fd, generation, socket, tls }: StreamClient, interest: number, ready: (stream: SocketStream) => void) {
    this.#socket = socket;
    this.fd = fd;
    this.generation = generation;
    this.tls = tls;
    this.#interest = interest;
    this.#ready = ready;
    this.#listen();
  }

  /** What epoll watches for. To set it has what is ready reported anew, as EPOLL_CTL_MOD does. */
  set interest(mask: number) {
    this.#interest = mask;
    this.check();
  }

  /** What epoll would report. */
  get readiness(): number {
    if (this.#failure !== 0) return EPOLLERR | EPOLLHUP | this.#interest;
    const interest = this.#interest;
    const end = this.#ended ? EPOLLIN | EPOLLRDHUP : 0;
    const input = (this.#length > 0 ? EPOLLIN | end : end) & interest;
    return (interest & EPOLLOUT) !== 0 && this.#socket.writableLength < this.#room ? input | EPOLLOUT : input;
  }

  /** Says so if there is something to do. */
  readonly check = (): void => {
    if (this.readiness !== 0) this.#ready(this);
  };

  /** Whether nothing has arrived since this was asked last, and reading is not paused. */
  isQuiet(): boolean {
    const isQuiet = !this.#hasArrived && !this.#isPaused;
    this.#hasArrived = false;
    return isQuiet;
  }

  recv(memory: NativeBuffer, offset: number, length: number): number {
    if (this.#failure !== 0) return this.#failure;
    if (this.#length === 0) return this.#ended ? 0 : EAGAIN;
    let taken = 0;
    while (taken < length && this.#length > 0) {
      const piece = this.#pieces[0] as Buffer;
      const count = Math.min(piece.length, length - taken);
      memory.bytes.set(count === piece.length ? piece : piece.subarray(0, count), offset + taken);
      if (count === piece.length) this.#done(this.#pieces.shift() as Buffer);
      else this.#pieces[0] = piece.subarray(count);
      this.#length -= count;
      taken += count;
    }
    if (this.#isPaused && this.#length < MARK) this.#readOn();
    return taken;
  }

  send(memory: NativeBuffer, offset: number, length: number): number {
    if (this.#failure !== 0) return this.#failure;
    this.#hasSent = true;
    let taken = 0;
    // What the kernel takes at once does not wait: then there is room again when `write` returns. Where not all fits,
    // `drain` follows: MARK is not below the high-water mark of any version of Node.
    while (taken < length && this.#socket.writableLength < this.#room) {
      const count = Math.min(length - taken, MARK - this.#socket.writableLength);
      const from = offset + taken;
      // A copy, since the socket may keep it for later.
      const bytes = this.#allocate(count);
      bytes.set(memory.views.of(from, from + count));
      this.#socket.write(bytes);
      taken += count;
    }
    return taken > 0 ? taken : EAGAIN;
  }

  /** Nothing more will come. */
  get isOver(): boolean {
    return this.#ended || this.#failure !== 0;
  }

  /** How many bytes have arrived and were not taken. */
  get unread(): number {
    return this.#length;
  }

  /** The fd that Node has, below zero if it has closed it. Node has no call that tells it, and only the kernel knows what is unsent. */
  get nodeFd(): number {
    const { _handle: handle } = this.#socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
    return handle?.fd ?? -1;
  }

  /** Where the client has connected; `undefined`: Node has closed its file. */
  get local(): SocketAddress | undefined {
    const { destroyed, localAddress, localPort = 0 } = this.#socket;
    if (localAddress !== undefined)
      return { family: localAddress.includes(':') ? 'IPv6' : 'IPv4', address: localAddress, port: localPort };
    return destroyed ? undefined : { family: 'unix', address: '', port: 0 };
  }

  /** Node has closed its file of the socket. */
  get isClosed(): boolean {
    return this.#socket.closed;
  }

  /** The client has reset the connection, which Node cannot tell any more. */
  reset(): void {
    this.#fail(ECONNRESET);
  }

  /** How many bytes the client has yet to take: those that Node keeps, and `inKernel`, below zero if that cannot be known any more. */
  unsent(inKernel: number): number {
    if (this.#failure !== 0 && !this.#hasSent) return 0; // What is left is TLS's own, such as session tickets.
    if (inKernel >= 0) this.#inKernel = inKernel;
    else if (this.#failure === 0) this.#inKernel = 0; // Both sides have finished: what is left, the kernel goes on sending.
    return this.#socket.writableLength + this.#inKernel;
  }

  shutdown(): number {
    this.#socket.end();
    return 0;
  }

  /** Has `leave` drop what was sent and is not out yet. */
  discard(): void {
    this.#discards = true;
  }

  /** Lets what was sent go out, then closes; `left` is called when that is done, or the client does not take it. */
  leave(left: () => void): void {
    this.#interest = 0;
    if (this.isDone) {
      this.#cutOff();
      return left();
    }
    const timer = setTimeout(() => this.#socket.destroy(), LEAVE_TIMEOUT_MS);
    this.#socket.once('close', () => {
      clearTimeout(timer);
      left();
    });
    this.#socket.destroySoon();
  }

  /** Whether it can be closed at once: all is sent, or is to be dropped. Under TLS there is always a last word. */
  get isDone(): boolean {
    if (this.#socket.closed || this.#failure !== 0 || this.#discards) return true;
    return this.tls === undefined && this.#socket.writableLength === 0;
  }

  /** Where what was sent is to be dropped, the kernel drops it too; but not under TLS, where the socket below is not ours to reset. */
  #cutOff(): void {
    if (this.#discards && this.tls === undefined) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Gives its socket up for a handshake, with what has arrived and was not taken; what was sent may still wait in it. */
  release(): Socket {
    const socket = this.#socket;
    this.#room = 0;
    socket.off('end', this.#over).off('error', this.#broken).off('close', this.#closed).off('drain', this.check);
    Reflect.deleteProperty(socket, 'push');
    socket.pause();
    for (const piece of this.#pieces.splice(0).toReversed()) socket.unshift(piece);
    this.#length = 0;
    this.#isPaused = false;
    return socket;
  }

  /** Goes on with the socket of TLS that was made of the one that it gave up. */
  secure(socket: Socket, tls: ClientTls): void {
    this.#socket = socket;
    this.tls = tls;
    this.#room = MARK;
    this.#listen();
    this.check();
  }

  #listen(): void {
    this.#flow();
    this.#socket.on('end', this.#over).on('error', this.#broken).on('close', this.#closed).on('drain', this.check);
  }

  /** Has each piece come here as soon as it is read. What was read before comes first. */
  #flow(): void {
    const socket = this.#socket;
    const finish = socket.push.bind(socket, null);
    for (let piece = socket.read(); piece !== null; piece = socket.read()) this.#arrived(piece);
    socket.push = (piece: Buffer | null) => {
      if (piece !== null) return this.#arrived(piece);
      this.isCutShort = this.tls !== undefined && isCutShort(socket);
      return finish();
    };
    socket.resume();
  }

  /** Returns whether more is to be read. */
  #arrived(piece: Buffer): boolean {
    this.#pieces.push(piece);
    this.#length += piece.length;
    this.#hasArrived = true;
    this.#isPaused = this.#length >= MARK;
    this.check();
    return !this.#isPaused;
  }

  #done(piece: Buffer): void {
    if (piece.length <= MAX_SPARE_BYTES) this.#spare = piece;
  }

  #allocate(length: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === length ? spare : Buffer.allocUnsafe(length);
  }

  #readOn(): void {
    this.#isPaused = false;
    this.#socket._read(MARK);
  }

  readonly #over = (): void => {
    this.#ended = true;
    this.check();
  };

  readonly #broken = (error: NodeJS.ErrnoException): void => {
    const result = resultOf(error.code);
    if (this.tls !== undefined && result === undefined) this.problem = tlsProblem(error);
    this.#fail(result ?? ECONNRESET);
  };

  readonly #closed = (): void => {
    if (this.#ended)
      this.check(); // All that was sent is with the kernel.
    else this.#fail(ECONNRESET);
  };

  #fail(errno: number): void {
    if (this.#failure !== 0) return;
    this.#failure = errno;
    this.check();
  }
}
