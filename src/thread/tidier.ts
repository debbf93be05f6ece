/** Has memory that a thread kept for clients go back to the system some time after they left: by itself V8 frees it when it needs more. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** As many bytes that were let go are worth a collection of all garbage. */
const MIN_RELEASE_BYTES = 16 * 2 ** 20;
/** Nothing much may be let go for this long, in ms: a thread in the middle of such work collects by itself. */
const QUIET_MS = 2000;
/** V8 frees buffers on a thread of its own; so long that takes at most, in ms. */
const FREED_WITHIN_MS = 200;

export class Tidier {
  readonly #trim: () => void;
  #released = 0;
  #before = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `trim` has malloc give back what it keeps of freed memory. */
  constructor(trim: () => void) {
    this.#trim = trim;
  }

  /** Takes note of `bytes` that are not kept any more. */
  released(bytes: number): void {
    this.#released += bytes;
    if (this.#released >= MIN_RELEASE_BYTES && this.#timer === undefined) this.#wait();
  }

  #wait(): void {
    this.#before = this.#released;
    this.#timer = setTimeout(this.#look, QUIET_MS).unref();
  }

  readonly #look = (): void => {
    if (this.#released - this.#before >= MIN_RELEASE_BYTES >> 2) return this.#wait();
    this.#released = 0;
    collectGarbage();
    this.#timer = setTimeout(this.#end, FREED_WITHIN_MS).unref();
  };

  readonly #end = (): void => {
    this.#timer = undefined;
    this.#trim();
    if (this.#released >= MIN_RELEASE_BYTES) this.#wait();
  };
}

let collect: (() => void) | undefined;

/** V8 gives its `gc` to contexts that are made while the flag is set. */
function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collect();
}
