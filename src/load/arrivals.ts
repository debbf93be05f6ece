/** Says when messages are due, and whose they are. The schedule does not depend on what the server does. */

import type { Random } from './random.ts';

/** `even`: one after the other at the same distance. `poisson`: at random, as from many clients that know nothing of each other. */
export type Pattern = 'poisson' | 'even';

export class Arrivals {
  /** When the next message is due, in ms of this thread's clock. */
  due: number;
  /** The number of the client whose message that is. */
  client = 0;
  readonly #start: number;
  /** How many messages were due before. */
  #count = 0;
  readonly #gap: number;
  readonly #clients: number;
  readonly #pattern: Pattern;
  readonly #random: Random;

  /** `rate`: messages a second, from `start` on. */
  constructor(start: number, rate: number, clients: number, pattern: Pattern, random: Random) {
    this.due = start;
    this.#start = start;
    this.#gap = 1000 / rate;
    this.#clients = clients;
    this.#pattern = pattern;
    this.#random = random;
    if (pattern === 'poisson') this.advance();
  }

  /** Goes on to the next message. */
  advance(): void {
    if (this.#pattern === 'even') {
      // Not added up: that would not come out even.
      this.due = this.#start + ++this.#count * this.#gap;
      this.client = (this.client + 1) % this.#clients;
      return;
    }
    this.due -= Math.log(1 - this.#random()) * this.#gap;
    this.client = Math.floor(this.#random() * this.#clients);
  }
}
