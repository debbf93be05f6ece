/** Makes the connections that a run begins with: a few at a time, and not faster than is asked for. */

/** So many connections are begun at once: more could overflow the server's backlog. */
const MOST_OPENING = 64;

export class Openings {
  /** Why a connection could not be made. */
  problem: string | undefined;
  /** Begins to make one connection each, the last first. */
  readonly #left: (() => void)[];
  /** Connections a second; Infinity: no limit. */
  readonly #rate: number;
  #startedAt = NaN;
  /** When the last connection was begun while no other was under way, or made. */
  #heardAt = NaN;
  #begun = 0;
  #opening = 0;
  #opened = 0;

  constructor(openers: readonly (() => void)[], rate: number) {
    this.#left = openers.toReversed();
    this.#rate = rate;
  }

  /** Whether all connections are there. */
  get isDone(): boolean {
    return this.#opening === 0 && this.#left.length === 0;
  }

  start(now: number): void {
    this.#startedAt = now;
    this.more(now);
  }

  /** Begins as many connections as may be begun now. */
  more(now: number): void {
    const due = this.#rate === Infinity ? Infinity : 1 + Math.floor(((now - this.#startedAt) * this.#rate) / 1000);
    while (this.#opening < MOST_OPENING && this.#begun < due) {
      const open = this.#left.pop();
      if (open === undefined) return;
      if (this.#opening === 0) this.#heardAt = now;
      this.#opening++;
      this.#begun++;
      open();
    }
  }

  /** A connection was made, or could not be. */
  onOpen(now: number, problem: string | undefined): void {
    if (problem !== undefined) {
      this.problem ??= `${problem} after ${this.#opened} connections`;
      return;
    }
    this.#opening--;
    this.#opened++;
    this.#heardAt = now;
    this.more(now);
  }

  /** Gives up if the server has let no connection be made for `timeoutMs`. */
  check(now: number, timeoutMs: number): void {
    if (this.#opening > 0 && now - this.#heardAt >= timeoutMs) this.onOpen(now, 'no answer in time');
  }
}
