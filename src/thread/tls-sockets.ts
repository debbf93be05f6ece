/** Used to stand between connections and the kernel on a thread with TLS: what they ask of an fd, its stream answers. */
import type { Host, SocketCalls } from '../connection/host.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';
import type { TlsStream } from './tls-stream.ts';

export class TlsSockets implements SocketCalls {
  readonly poller: Host['poller'] = { modify: (fd, mask) => this.#modify(fd, mask) };
  readonly #sys: Sys;
  readonly #streams = new Map<number, TlsStream>();
  readonly #left: () => void;

  /** `left` is called when a client is gone whose connection was closed. */
  constructor(sys: Sys, left: () => void) {
    this.#sys = sys;
    this.#left = left;
  }

  get size(): number {
    return this.#streams.size;
  }

  add(stream: TlsStream): void {
    this.#streams.set(stream.fd, stream);
  }

  /** Whether nothing has arrived since this was asked last, and nothing is known to wait in the kernel. */
  isQuiet(): boolean {
    return [...this.#streams.values()].filter((stream) => !stream.isQuiet()).length === 0;
  }

  get(fd: number): TlsStream | undefined {
    return this.#streams.get(fd);
  }

  recv(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    return this.#stream(fd).recv(memory, offset, length);
  }

  send(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    return this.#stream(fd).send(memory, offset, length);
  }

  shutdown(fd: number): number {
    return this.#stream(fd).shutdown();
  }

  discardOnClose(fd: number): number {
    this.#stream(fd).discard();
    return this.#sys.discardOnClose(fd);
  }

  /** The stream has an fd of its own, and goes on until what was sent is out. */
  close(fd: number): number {
    const stream = this.#stream(fd);
    this.#streams.delete(fd);
    const result = this.#sys.close(fd);
    stream.leave(this.#left);
    return result;
  }

  wrap(bytes: Uint8Array): NativeBuffer {
    return this.#sys.wrap(bytes);
  }

  addressText(bytes: Uint8Array): string {
    return this.#sys.addressText(bytes);
  }

  #modify(fd: number, mask: number): number {
    this.#stream(fd).interest = mask;
    return 0;
  }

  #stream(fd: number): TlsStream {
    const stream = this.#streams.get(fd);
    if (stream === undefined) throw new Error(`fd ${fd} has no TLS connection`);
    return stream;
  }
}
