/** Carries events from all threads to main in the order in which they happened, without a thread waiting for main. */
import { Waker } from './waker.ts';
import { BriefLock } from './brief-lock.ts';

// Words of the header. LOCK takes two; WRITTEN and READ count bytes and wrap at 2^32, as the ring's size divides it.
const LOCK = 0;
const WRITTEN = 2;
const READ = 3;
const LOST = 4;
const WAKER = 5;
const SLEEPING = 6;
const HEADER_WORDS = 8;

const DEFAULT_SIZE_BYTES = 1 << 20;

/** A record begins with its length, in bytes. */
const HEADER = 4;

/**
 * A ring of text records in shared memory: many writers, one reader. A writer takes the lock for the time of a copy, so
 * records are whole and in order. Where the reader does not keep up, records are lost and counted: a client never waits
 * for a log.
 */
export class EventRing {
  readonly buffer: SharedArrayBuffer;
  readonly lock: BriefLock;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #waker: Waker;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.lock = new BriefLock(buffer, LOCK * 4);
    this.#words = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#bytes = Buffer.from(buffer, HEADER_WORDS * 4);
    this.#waker = new Waker(this.#words, WAKER);
  }

  /** `size`: bytes of records that fit, a power of two. */
  static create(size = DEFAULT_SIZE_BYTES): EventRing {
    if (size < 16 || (size & (size - 1)) !== 0) throw new RangeError(`not a power of two: ${size}`);
    return new EventRing(new SharedArrayBuffer(HEADER_WORDS * 4 + size));
  }

  /** Appends a record; false: there was no room, or no way in, it is counted as lost. On any thread but the reader's. */
  write(text: string): boolean {
    const length = Buffer.byteLength(text);
    const fits = this.lock.enter() && this.#appendAndLeave(text, length);
    if (!fits) Atomics.add(this.#words, LOST, 1);
    this.wake();
    return fits;
  }

  /** Has the reader look, if it waits. */
  wake(): void {
    if (Atomics.exchange(this.#words, SLEEPING, 0) === 1) this.#waker.wake();
  }

  /** How many bytes were ever written, modulo 2^32. */
  get written(): number {
    return Atomics.load(this.#words, WRITTEN);
  }

  /**
   * Gives `visit` all records so far, and where each begins (compare `written`), then returns how many were lost since the last call.
   * Only on the reader's thread.
   */
  drain(visit: (text: string, at: number) => void): number {
    const written = Atomics.load(this.#words, WRITTEN); // What comes meanwhile waits: the reader has other things to do.
    let read = Atomics.load(this.#words, READ);
    while (read !== written) {
      const start = read;
      const at = read & (this.#bytes.length - 1);
      const length = this.#readLength(at);
      const text = this.#readText(at + HEADER, length);
      read = (read + HEADER + length) | 0;
      Atomics.store(this.#words, READ, read);
      visit(text, start);
    }
    return Atomics.exchange(this.#words, LOST, 0);
  }

  /** Calls `woken` when there is something to drain. Only on the reader's thread. */
  wait(woken: () => void): void {
    const count = this.#waker.count;
    Atomics.store(this.#words, SLEEPING, 1);
    const empty = Atomics.load(this.#words, READ) === Atomics.load(this.#words, WRITTEN);
    if (empty) this.#waker.wait(count, woken);
    else setImmediate(woken);
  }

  #appendAndLeave(text: string, length: number): boolean {
    try {
      return this.#append(text, length);
    } finally {
      this.lock.leave();
    }
  }

  /** The caller has the lock. `length`: that of `text`, in bytes. */
  #append(text: string, length: number): boolean {
    const bytes = this.#bytes;
    const written = Atomics.load(this.#words, WRITTEN);
    const used = (written - Atomics.load(this.#words, READ)) >>> 0;
    if (used + HEADER + length > bytes.length) return false;
    const at = written & (bytes.length - 1);
    if (at + HEADER + length <= bytes.length) {
      bytes.writeUInt32LE(length, at);
      bytes.write(text, at + HEADER, length, 'utf8');
    } else this.#appendAround(text, length, at);
    // Only now can the reader see it: a thread that dies before this line leaves nothing half-written behind.
    Atomics.store(this.#words, WRITTEN, (written + HEADER + length) | 0);
    return true;
  }

  /** The same for a record that goes on at the beginning of the ring. */
  #appendAround(text: string, length: number, at: number): void {
    const record = Buffer.allocUnsafe(HEADER + length);
    record.writeUInt32LE(length, 0);
    record.write(text, HEADER, length, 'utf8');
    const first = record.copy(this.#bytes, at);
    record.copy(this.#bytes, 0, first);
  }

  #readLength(at: number): number {
    return at + HEADER <= this.#bytes.length
      ? this.#bytes.readUInt32LE(at)
      : this.#copyAround(at, HEADER).readUInt32LE(0);
  }

  #readText(at: number, length: number): string {
    const bytes = this.#bytes;
    const from = at & (bytes.length - 1);
    return from + length <= bytes.length
      ? bytes.toString('utf8', from, from + length)
      : this.#copyAround(from, length).toString('utf8');
  }

  #copyAround(at: number, length: number): Buffer {
    const target = Buffer.allocUnsafe(length);
    const first = this.#bytes.copy(target, 0, at);
    this.#bytes.copy(target, first, 0, length - first);
    return target;
  }
}
