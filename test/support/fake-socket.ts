/** The two ends of a connection in memory: the server's calls on one side, what a client does on the other. */
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../src/sys/constants.ts';
import { EAGAIN, ECONNRESET, EPIPE } from '../../src/sys/errno.ts';
import { OfferedBytes } from './offered-bytes.ts';

const NONE = Buffer.alloc(0);

export class FakeSocket {
  /** The client's port, which names it. */
  readonly port: number;
  /** How many the server had accepted when it accepted this one, itself included; 0: it waits. */
  serial = 0;
  /** The generation that it was last given to a thread with. */
  generation: number | undefined = undefined;
  /** The server has closed it. */
  isClosed = false;
  changes = 0;
  /** What the server has handed to `send`. */
  readonly offered = new OfferedBytes();
  /** Bytes for the server. */
  #inbound = NONE;
  /** Bytes that the server has sent and the client has not read. */
  #outbound = NONE;
  readonly #capacity: number;
  #finished = false;
  #wasReset = false;
  #error = 0;
  #isShut = false;
  /** The server could not send all it wanted, and is to hear when it can. */
  #wantsRoom = false;

  /** `capacity`: how many bytes the kernel keeps for a client that does not read. */
  constructor(port: number, capacity: number) {
    this.port = port;
    this.#capacity = capacity;
  }

  /** The client's side: sends bytes. */
  write(bytes: Buffer): void {
    if (this.isClosed || this.#wasReset) return;
    this.#inbound = Buffer.concat([this.#inbound, bytes]);
    this.changes++;
  }

  /** The client's side: says that it will send no more. */
  finish(): void {
    this.#finished = true;
    this.changes++;
  }

  reset(): void {
    this.#wasReset = true;
    this.#error = ECONNRESET;
    this.#outbound = NONE;
    this.changes++;
  }

  /** The client's side: takes what has arrived. */
  read(): Buffer {
    const bytes = this.#outbound;
    this.#outbound = NONE;
    if (this.#wantsRoom || (this.#isShut && bytes.length > 0)) this.changes++;
    this.#wantsRoom = false;
    return bytes;
  }

  /** The server has ended its side, and the client has read all before that. */
  get isOver(): boolean {
    return (this.isClosed || this.#isShut) && this.#outbound.length === 0;
  }

  /** How many bytes the server has not read. */
  get unread(): number {
    return this.#inbound.length;
  }

  /** How many bytes the client has not read, and the end, until it is seen. */
  get unsent(): number {
    return this.#outbound.length + (this.#isShut && this.#outbound.length > 0 ? 1 : 0);
  }

  recv(target: Buffer, offset: number, length: number): number {
    const count = this.#inbound.copy(target, offset, 0, Math.min(length, this.#inbound.length));
    this.#inbound = this.#inbound.subarray(count);
    if (count > 0) return count;
    const error = this.#error;
    this.#error = 0;
    if (error !== 0) return error;
    return this.#finished || this.#wasReset ? 0 : EAGAIN;
  }

  send(source: Buffer, offset: number, length: number): number {
    if (this.#wasReset || this.#isShut) return EPIPE;
    const count = Math.min(length, this.#capacity - this.#outbound.length);
    if (count < length) this.#wantsRoom = true;
    if (count === 0 && length > 0) return EAGAIN;
    this.#outbound = Buffer.concat([this.#outbound, source.subarray(offset, offset + count)]);
    return count;
  }

  shutdown(): number {
    this.#isShut = true;
    return 0;
  }

  /** What epoll would report: like TCP, room only when a good part of the buffer is free. */
  get readiness(): number {
    const hasRoom = this.#outbound.length <= this.#capacity * 0.75;
    let mask = hasRoom || this.#wasReset ? EPOLLOUT : 0;
    if (this.#inbound.length > 0 || this.#finished || this.#wasReset) mask |= EPOLLIN;
    if (this.#finished || this.#wasReset) mask |= EPOLLRDHUP;
    if (this.#wasReset || (this.#finished && this.#isShut)) mask |= EPOLLHUP;
    return this.#error === 0 ? mask : mask | EPOLLERR;
  }
}
