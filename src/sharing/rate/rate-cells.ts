/** Counts messages against a rate, for all threads of a server: who sends how many, in memory that they share. */
import { addressHash, numberHash } from '../clients-per-address.ts';
import { ageOf, sharedMilliseconds, sharedTime } from '../clock.ts';

/*
 * The generic cell rate algorithm (ITU-T I.371): for each sender there is one moment, its *due* time. A message moves it on by the
 * interval of the rate, from now if it has passed. A message comes too soon while the due time is further ahead than the other messages
 * of a burst take. That is a token bucket which nobody has to fill.
 *
 * Due times are counted in parts of an interval, so that they never round, and modulo 2^32, so that a compare-and-swap changes them:
 * several threads may serve clients of one address. What goes round is told by the moment of the last message, in ms: once a whole burst
 * has passed since then, the due time has passed too, whatever its word says.
 */

/** How exactly due times are known. A burst of a million messages must stay below 2^31 parts. */
const PARTS = 1024;

/** Words of the header: what nobody can know beforehand, so that nobody chooses addresses that meet in a cell. */
const SEED = 0;
const HEADER_WORDS = 4;

// Words of a cell.
const KEY = 0; // whose it is; 0: nobody's yet
const DUE = 1; // in parts of an interval
const LAST = 2; // when the last message came, as a `sharedTime`; 0: none has
const CELL_WORDS = 4;

/** In so many cells an address is looked for. */
const PROBES = 8;

/** A rate in numbers. */
export interface CellRate {
  /** How long one message takes, in ms. */
  readonly interval: number;
  /** How many messages may come at once. */
  readonly burst: number;
}

export class RateCells {
  readonly #words: Int32Array;
  readonly #cells: number;
  readonly #interval: number;
  /** The due time of a sender that may send one more is at most this far ahead, in parts. */
  readonly #mostAhead: number;
  /** So long after its last message, in ms, the due time of a sender has passed. */
  readonly #burstMs: number;

  constructor(buffer: SharedArrayBuffer, { interval, burst }: CellRate) {
    this.#words = new Int32Array(buffer);
    this.#cells = (this.#words.length - HEADER_WORDS) / CELL_WORDS;
    this.#interval = interval;
    this.#mostAhead = (burst - 1) * PARTS;
    this.#burstMs = Math.ceil(burst * interval) + 1;
  }

  /** Makes memory for `cells` senders, with a `seed` of 32 bits. Untouched cells take no memory. */
  static create(cells: number, seed: number): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer((HEADER_WORDS + cells * CELL_WORDS) * 4);
    new Int32Array(buffer)[SEED] = seed;
    return buffer;
  }

  /** Stands for an address, 16 bytes, all of a /64 of IPv6; never 0. */
  keyOfAddress(address: Uint8Array): number {
    return addressHash(address, this.#words[SEED] as number) || 1;
  }

  /** Stands for a client by its number; never 0. */
  keyOfClient(id: number): number {
    return numberHash(id, this.#words[SEED] as number) || 1;
  }

  /** Gives the cell at `index` to `key`, which starts anew there if it was another's. Nobody else uses the cell meanwhile. */
  own(index: number, key: number): number {
    const words = this.#words;
    const cell = HEADER_WORDS + index * CELL_WORDS;
    if (words[cell + KEY] === key) return cell;
    words[cell + KEY] = key;
    words[cell + LAST] = 0;
    return cell;
  }

  /**
   * Finds the cell of `key`, or gives it one that nobody needs at `now`, in `performance.now()` ms. Where there is none, it shares the
   * cell of another: together they may send what each could alone.
   */
  find(key: number, now: number): number {
    const words = this.#words;
    let unused = -1;
    for (let probe = 0; probe < PROBES; probe++) {
      const cell = this.#cellAt(key, probe);
      if (words[cell + KEY] === key) return cell;
      if (unused < 0 && this.#aheadOf(cell, words[cell + DUE] as number, now) === 0) unused = cell;
    }
    if (unused < 0) return this.#cellAt(key, 0);
    const before = words[unused + KEY] as number;
    Atomics.compareExchange(words, unused + KEY, before, key);
    return unused; // Where another thread was faster, for another sender, they share it this once.
  }

  /** Counts a message in `cell`; returns 0, or, if it comes too soon and is not counted, in how many ms it would not. */
  take(cell: number, now: number): number {
    const words = this.#words;
    for (;;) {
      const due = Atomics.load(words, cell + DUE);
      const ahead = this.#aheadOf(cell, due, now);
      if (ahead > this.#mostAhead) return ((ahead - this.#mostAhead) * this.#interval) / PARTS;
      const next = (this.#parts(now) + ahead + PARTS) | 0;
      if (Atomics.compareExchange(words, cell + DUE, due, next) !== due) continue;
      words[cell + LAST] = sharedTime(now);
      return 0;
    }
  }

  /** How far ahead of `now` the due time of a cell is, in parts; 0: it has passed. */
  #aheadOf(cell: number, due: number, now: number): number {
    const last = this.#words[cell + LAST] as number;
    if (last === 0 || ageOf(last, sharedTime(now)) >= this.#burstMs) return 0;
    return Math.max(0, (due - this.#parts(now)) | 0);
  }

  #parts(now: number): number {
    return Math.floor((sharedMilliseconds(now) * PARTS) / this.#interval) | 0;
  }

  #cellAt(key: number, probe: number): number {
    return HEADER_WORDS + (((key >>> 0) + probe) % this.#cells) * CELL_WORDS;
  }
}
