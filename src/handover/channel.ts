/** Carries packets, with fds, between two processes during a hand-over. */
import { EAGAIN, ECONNRESET, EINTR } from '../sys/errno.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';

/** The longest packet, in bytes. Three of them fit into a socket by default (`net.core.wmem_default`). */
export const MAX_PACKET_BYTES = 64 * 1024;

/** A packet as it came; `fds` are the taker's to close. */
export interface Received {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
}

/** Has the acceptor hear of what can be read from an fd, or not any more. */
export interface Watch {
  add(fd: number): void;
  /** Before the fd is closed: its number may be another's at once. */
  remove(fd: number): void;
}

export class HandoverChannel {
  readonly fd: number;
  readonly #sys: Sys;
  readonly #memory: NativeBuffer;
  readonly #fds: number[] = [];

  /** Takes over `fd`, a connected socket of type SOCK_SEQPACKET that does not block. */
  constructor(sys: Sys, fd: number) {
    this.#sys = sys;
    this.fd = fd;
    this.#memory = sys.allocate(MAX_PACKET_BYTES);
  }

  /** Sends a packet and copies of `fds`. Returns 0 or more, or the errno. */
  send(bytes: Buffer, fds: readonly number[] = []): number {
    this.#memory.bytes.set(bytes);
    return this.#sys.sendMessage(this.fd, this.#memory, 0, bytes.length, fds);
  }

  /** Sends bytes from where they lie. */
  sendFrom(memory: NativeBuffer, offset: number, length: number): number {
    return this.#sys.send(this.fd, memory, offset, length);
  }

  /**
   * Takes the next packet, whose bytes are valid until the next call. `none`: not yet; `over`: the other side is gone, and all that it has sent
   * was taken. One that ends with packets unread leaves an error, once, before what it has sent itself (unix(7)).
   */
  receive(): Received | 'none' | 'over' {
    const length = this.#sys.receiveMessage(this.fd, this.#memory, 0, MAX_PACKET_BYTES, this.#fds);
    if (length === EAGAIN || length === EINTR) return 'none';
    if (length === ECONNRESET) return this.receive();
    if (length <= 0) return 'over';
    return { bytes: this.#memory.bytes.subarray(0, length), fds: [...this.#fds] };
  }

  close(): void {
    this.#sys.close(this.fd);
  }
}
