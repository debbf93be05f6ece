/** Keeps the array that poll(2) reads and fills: some fds, what each is asked, and which have answered. */
import type { NativeBuffer } from './native-buffer.ts';

// `struct pollfd` is the same on all 64-bit Linux: an int, then two shorts, which share a word here (little-endian).
const WORDS = 2;
const REVENTS_SHIFT = 16;
const EVENTS_MASK = (1 << REVENTS_SHIFT) - 1;

export class PollSet {
  readonly memory: NativeBuffer;
  readonly capacity: number;
  readonly #words: Int32Array;

  constructor(memory: NativeBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.size >> 2);
    this.capacity = Math.floor(this.#words.length / WORDS);
  }

  static bytesFor(capacity: number): number {
    return capacity * WORDS * Int32Array.BYTES_PER_ELEMENT;
  }

  /** Asks the first `count` of `fds` for `events`; poll(2) numbers them as epoll does. */
  ask(fds: Int32Array, count: number, events: number): void {
    const words = this.#words;
    for (let index = 0; index < count; index++) {
      words[index * WORDS] = fds[index] as number;
      words[index * WORDS + 1] = events;
    }
  }

  fd(index: number): number {
    return this.#words[index * WORDS] as number;
  }

  /** The events that were asked of the fd at `index`. */
  events(index: number): number {
    return (this.#words[index * WORDS + 1] as number) & EVENTS_MASK;
  }

  /** Whether the fd at `index` is ready for anything, as the last call of `poll` has found. */
  isReady(index: number): boolean {
    return (this.#words[index * WORDS + 1] as number) >>> REVENTS_SHIFT !== 0;
  }

  /** Notes what the fd at `index` is ready for, as poll(2) does. */
  answer(index: number, revents: number): void {
    this.#words[index * WORDS + 1] = this.events(index) | (revents << REVENTS_SHIFT);
  }
}
