/** Reads from the clients of a thread, one after the other, into the thread's buffer. */
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import type { SocketCalls } from '../sockets.ts';
import { SharedBuffer, type MemoryBlocks } from './saved-bytes.ts';

/** As many bytes as there is room for; a small integer, since others would make each read compute with doubles. */
export const ANY_BYTES = 2 ** 31 - 1;

/** What reading needs of the thread. `input`: where reads go. */
export interface ReaderContext {
  readonly input: NativeBuffer;
  readonly row: ThreadRow;
  readonly blocks: MemoryBlocks;
  readonly sys: Pick<SocketCalls, 'recv'>;
}

/**
 * Reads into the thread's buffer, behind the few bytes that were kept of the client; a long message is read into the memory
 * where it is kept, so that it is not copied at each read. One serves all clients of a thread: what it says is true until
 * it reads for the next one.
 */
export class Reader {
  /** What is to be delivered: `bytes[from, to)`. Set by `receive` and `open`. */
  bytes: Buffer;
  from = 0;
  to = 0;
  /** The last read took as much as there was room for: there may be more. */
  isFull = false;
  /** How many bytes from `from` on a decoder has looked at in vain; see `Frame.scanned`. */
  scanned = 0;
  readonly #context: ReaderContext;

  constructor(context: ReaderContext) {
    this.#context = context;
    this.bytes = context.input.bytes;
  }

  /**
   * Reads once from the client of `fd`, of whom `kept` is here, `most` bytes at most. Returns how many bytes came, 0 at the
   * end of the stream, or the errno.
   */
  receive(fd: number, kept: SharedBuffer | undefined, most = ANY_BYTES): number {
    if (kept !== undefined) return this.#receiveBehind(fd, kept, most);
    const { input, sys } = this.#context;
    const room = Math.min(most, input.size);
    const received = sys.recv(fd, input, 0, room);
    if (received > 0) this.#took(input, 0, received, received === room);
    return received;
  }

  #receiveBehind(fd: number, kept: SharedBuffer, most: number): number {
    const { input, sys } = this.#context;
    const isLong = kept.length >= input.size >> 1;
    if (isLong) kept.reserve(input.size >> 1);
    else kept.memory.bytes.copy(input.bytes, 0, kept.from, kept.to);
    const memory = isLong ? kept.memory : input;
    const at = isLong ? kept.to : kept.length;
    const room = Math.min(most, isLong ? kept.room : input.size - at);
    const received = sys.recv(fd, memory, at, room);
    if (received <= 0) return received;
    if (isLong) kept.end += received;
    this.#took(memory, at, received, received === room);
    if (isLong) this.from = kept.from;
    this.scanned = kept.scanned;
    return received;
  }

  /** Takes note of what came: what is to be delivered begins where the memory does, and ends with it. */
  #took(memory: NativeBuffer, at: number, received: number, isFull: boolean): void {
    this.#context.row.countReceived(received);
    this.bytes = memory.bytes;
    this.from = 0;
    this.to = at + received;
    this.isFull = isFull;
    this.scanned = 0;
  }

  /** Finds what is kept. */
  open(kept: SharedBuffer): void {
    this.bytes = kept.memory.bytes;
    this.from = kept.from;
    this.to = kept.to;
    this.scanned = kept.scanned;
  }

  /** Keeps `bytes[from, to)`, which was not taken, in the place of `kept`; `undefined`: there is nothing to keep. */
  keep(from: number, kept: SharedBuffer | undefined): SharedBuffer | undefined {
    if (from === this.to) {
      kept?.free();
      return undefined;
    }
    const keeps = kept ?? this.#copy(from);
    keeps.scanned = this.scanned;
    if (kept === undefined) return keeps;
    if (kept.memory.bytes === this.bytes) kept.start += from - this.from;
    else kept.replace(this.bytes, from, this.to);
    return kept;
  }

  /** A message that is long already gets room for twice as much, since it is read on in place. */
  #copy(from: number): SharedBuffer {
    const { input, blocks } = this.#context;
    const left = this.to - from;
    return SharedBuffer.copy(blocks, this.bytes, from, this.to, left < input.size >> 1 ? 0 : left);
  }
}
