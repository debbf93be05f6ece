/** Gives memory of the arena back to the system when much less of it is in use than before. */
import type { Arena } from '../sharing/arena.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';

/** How often that is looked at, in ms. */
const PERIOD_MS = 1000;
/** Less is not worth it, in bytes. */
const MIN_RELEASE_BYTES = 4 * 2 ** 20;

export class ArenaCleaner {
  readonly #arena: Arena;
  readonly #memory: NativeBuffer;
  readonly #sys: Pick<Sys, 'releasePages'>;
  #lookedAt = 0;
  /** The most that was in use since memory was given back last, as far as it was seen. */
  #most = 0;

  constructor(arena: Arena, sys: Pick<Sys, 'releasePages' | 'wrap'>) {
    this.#arena = arena;
    this.#memory = sys.wrap(arena.bytes);
    this.#sys = sys;
  }

  look(now: number): void {
    if (now - this.#lookedAt < PERIOD_MS) return;
    this.#lookedAt = now;
    const { used } = this.#arena;
    this.#most = Math.max(this.#most, used);
    if (this.#most < MIN_RELEASE_BYTES || used > this.#most >> 2) return;
    this.#most = used;
    this.#arena.clean((offset, length) => void this.#sys.releasePages(this.#memory, offset, length));
  }
}
