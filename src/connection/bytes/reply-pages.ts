/** Lends memory for replies of one client that leave together at the end of the running callbacks. */
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { Sys } from '../../sys/sys.ts';
import { ReplyBuffer } from './reply-buffer.ts';

/** The size of a page: 64 replies of 64 bytes. */
const PAGE_BYTES = 4096;

/** How many pages a thread has at most: 1 MiB. Further clients that have several replies to send in the same turn do without. */
const MAX_PAGES = 256;

/**
 * Pages go round: each has replies for as long as callbacks of services run, and is empty then. Replies in one page need neither
 * memory of their own nor a copy before they are sent.
 */
export class ReplyPages {
  readonly #sys: Pick<Sys, 'allocate'>;
  readonly #input: NativeBuffer;
  readonly #free: ReplyBuffer[] = [];
  #made = 0;

  /** `input`: the thread's read buffer. */
  constructor(sys: Pick<Sys, 'allocate'>, input: NativeBuffer) {
    this.#sys = sys;
    this.#input = input;
  }

  /** Lends an empty page with room for more than `length` bytes; `undefined`: there is none. */
  take(length: number): ReplyBuffer | undefined {
    if (length >= PAGE_BYTES) return undefined;
    const page = this.#free.pop();
    if (page !== undefined || this.#made === MAX_PAGES) return page;
    this.#made++;
    return new ReplyBuffer(this.#sys.allocate(PAGE_BYTES), this.#input);
  }

  /** Takes a page back, whatever is in it. */
  giveBack(page: ReplyBuffer): void {
    page.clear();
    this.#free.push(page);
  }
}
