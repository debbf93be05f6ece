/** Used to receive from one client, and to keep what nobody has taken yet. */
import type { Luggage } from '../sharing/connection-table.ts';
import type { Host, SocketCalls } from './host.ts';
import { Kept } from './kept.ts';

/** As many bytes as there is room for; a small integer, since others would make each read compute with doubles. */
export const ANY = 2 ** 31 - 1;

/** What reading needs of the thread. */
export type InputHost = Pick<Host, 'input' | 'row' | 'stores'> & { readonly sys: Pick<SocketCalls, 'recv'> };

/**
 * What a client has sent. A read goes into the thread's buffer, behind the few bytes that were kept; a long message is
 * read into the memory where it is kept, so that it is not copied at each read.
 */
export class Input {
  /** What is to be delivered: `bytes[from, to)`. Set by `receive` and `open`. */
  bytes: Buffer;
  from = 0;
  to = 0;
  /** The last read took as much as there was room for: there may be more. */
  isFull = false;
  /** How many bytes from `from` on a decoder has looked at in vain; see `Frame.scanned`. */
  scanned: number;
  readonly #host: InputHost;
  readonly #fd: number;
  #kept: Kept | undefined;

  /** `luggage` and `scanned`: what was kept when the client moved here. */
  constructor(host: InputHost, fd: number, luggage: Luggage | undefined, scanned: number) {
    this.#host = host;
    this.#fd = fd;
    this.bytes = host.input.bytes;
    this.scanned = scanned;
    this.#kept = luggage && Kept.open(host.stores, luggage);
  }

  get isEmpty(): boolean {
    return this.#kept === undefined;
  }

  /** What is kept, where it moves with the client; `undefined`: nothing is, or it cannot move. */
  get luggage(): Luggage | undefined {
    return this.#kept?.luggage;
  }

  /** Reads once, `most` bytes at most. Returns how many bytes came, 0 at the end of the stream, or the errno. */
  receive(most = ANY): number {
    const { input, row, sys } = this.#host;
    const kept = this.#kept;
    const isLong = kept !== undefined && kept.length >= input.size >> 1;
    if (isLong) kept.reserve(input.size >> 1);
    else if (kept !== undefined) kept.memory.bytes.copy(input.bytes, 0, kept.from, kept.to);
    const memory = isLong ? kept.memory : input;
    const at = isLong ? kept.to : (kept?.length ?? 0);
    const room = Math.min(most, isLong ? kept.room : input.size - at);
    const received = sys.recv(this.#fd, memory, at, room);
    if (received <= 0) return received;
    row.countReceived(received);
    if (isLong) kept.end += received;
    this.bytes = memory.bytes;
    this.from = isLong ? kept.from : 0;
    this.to = at + received;
    this.isFull = received === room;
    return received;
  }

  /** Finds what is kept; false: nothing is. */
  open(): boolean {
    const kept = this.#kept;
    if (kept === undefined) return false;
    this.bytes = kept.memory.bytes;
    this.from = kept.from;
    this.to = kept.to;
    return true;
  }

  /** Keeps what was not taken: `bytes[from, to)`. */
  keep(from: number): void {
    const kept = this.#kept;
    if (from === this.to) this.drop();
    else if (kept === undefined) this.#kept = this.#copy(from);
    else if (kept.memory.bytes === this.bytes) kept.start += from - this.from;
    else kept.replace(this.bytes, from, this.to);
  }

  drop(): void {
    this.#kept?.free();
    this.#kept = undefined;
  }

  /** A message that is long already gets room for twice as much, since it is read on in place. */
  #copy(from: number): Kept {
    const { input, stores } = this.#host;
    const left = this.to - from;
    return Kept.copy(stores, this.bytes, from, this.to, left < input.size >> 1 ? 0 : left);
  }
}
