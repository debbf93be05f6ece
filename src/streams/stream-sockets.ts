/** Stands between connections and Node's sockets: what they ask of an fd, its stream answers. */
import type { ClientTls } from '../connection/client.ts';
import type { ThreadContext } from '../connection/context.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { IPPROTO_TCP, TCP_CLOSE, TCP_INFO } from '../sys/constants.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import { EBADF } from '../sys/errno.ts';
import type { SocketAddress, Sys } from '../sys/sys.ts';
import type { ClientStreams, ThreadSys } from '../thread/parts.ts';
import type { SocketStream } from './socket-stream.ts';

/** What is done beside the stream: for the fd that was accepted, if there is one, and for memory. */
export type StreamBase = Pick<
  Sys,
  'allocate' | 'wrap' | 'trimMemory' | 'getsockopt' | 'discardOnClose' | 'storeAndClose' | 'addressText'
> & {
  /** As `Sys.unsent`; where `fd` is none, of the fd that Node has. */
  unsent(fd: number, nodeFd: number): number;
};

export class StreamSockets implements ThreadSys, ClientStreams {
  readonly poller: ThreadContext['poller'] = { modify: (fd, mask) => this.#modify(fd, mask) };
  readonly #base: StreamBase;
  readonly #row: ThreadRow;
  /** By fd: a look-up at each call has to be cheap. */
  readonly #streams: (SocketStream | undefined)[] = [];
  #size = 0;
  readonly #left: (stream: SocketStream) => void;

  /** `left` is called when a client of `row` is gone whose connection was closed. */
  constructor(base: StreamBase, row: ThreadRow, left: (stream: SocketStream) => void) {
    this.#base = base;
    this.#row = row;
    this.#left = left;
  }

  get size(): number {
    return this.#size;
  }

  add(stream: SocketStream): void {
    this.#streams[stream.fd] = stream;
    this.#size++;
  }

  /** Whether nothing has arrived since this was asked last, and nothing is known to wait in the kernel. */
  isQuiet(): boolean {
    return this.#streams.filter((stream) => stream !== undefined && !stream.isQuiet()).length === 0;
  }

  get(fd: number): SocketStream | undefined {
    return this.#streams[fd];
  }

  tlsOf(fd: number): ClientTls | undefined {
    return this.#streams[fd]?.tls;
  }

  isCutShort(fd: number): boolean {
    return this.#streams[fd]?.isCutShort === true;
  }

  /** The connection is closing until its last bytes are out: until then its thread must not end. */
  leaves(fd: number): void {
    const stream = this.#streams[fd];
    if (stream === undefined || stream.isDone) return;
    stream.isLeaving = true;
    this.#row.addClosing(1);
  }

  recv(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    return this.#stream(fd).recv(memory, offset, length);
  }

  send(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    return this.#stream(fd).send(memory, offset, length);
  }

  unread(fd: number): number {
    return this.#stream(fd).unread;
  }

  unsent(fd: number): number {
    const stream = this.#stream(fd);
    const inKernel = this.#base.unsent(fd, stream.nodeFd);
    if (inKernel > 0 && stream.isClosed && this.#isGone(fd)) stream.reset();
    return stream.unsent(inKernel);
  }

  /** Once Node has closed its file, nobody hears of a reset; the kernel goes on counting the bytes that it has dropped. */
  #isGone(fd: number): boolean {
    const state = this.#base.getsockopt(fd, IPPROTO_TCP, TCP_INFO);
    return state >= 0 && (state & 0xff) === TCP_CLOSE;
  }

  getsockname(fd: number): SocketAddress | number {
    return this.#stream(fd).local ?? EBADF;
  }

  shutdown(fd: number): number {
    return this.#stream(fd).shutdown();
  }

  discardOnClose(fd: number): number {
    this.#stream(fd).discard();
    return this.#base.discardOnClose(fd);
  }

  /** The stream goes on until what was sent is out. */
  storeAndClose(words: Int32Array, at: number, value: number, fd: number): number {
    const stream = this.#stream(fd);
    this.#streams[fd] = undefined;
    this.#size--;
    const result = this.#base.storeAndClose(words, at, value, fd);
    stream.leave(() => this.#left(stream));
    return result;
  }

  allocate(size: number): NativeBuffer {
    return this.#base.allocate(size);
  }

  trimMemory(): void {
    this.#base.trimMemory();
  }

  wrap(bytes: Uint8Array): NativeBuffer {
    return this.#base.wrap(bytes);
  }

  addressText(bytes: Uint8Array): string {
    return this.#base.addressText(bytes);
  }

  #modify(fd: number, mask: number): number {
    this.#stream(fd).interest = mask;
    return 0;
  }

  #stream(fd: number): SocketStream {
    const stream = this.#streams[fd];
    if (stream === undefined) throw new Error(`fd ${fd} has no stream`);
    return stream;
  }
}
