/** Says when messages are due, and whose they are. The schedule does not depend on what the server does. */

import type { Random } from './random.ts';

/** `even`: one after the other at the same distance. `poisson`: at random, as from many clients that know nothing of each other. */
export type Pattern = 'poisson' | 'even';

/** How a rate changes: it stays for `afterMs`, then goes evenly to `to` messages a second within `ms`. */
export interface Ramp {
  readonly to: number;
  readonly afterMs: number;
  readonly ms: number;
}

/** Says when so many messages are due at a rate that stays, or changes evenly. */
export class Pace {
  /** Messages a millisecond. */
  readonly #from: number;
  readonly #to: number;
  readonly #afterMs: number;
  readonly #ms: number;

  /** `rate`: messages a second. */
  constructor(rate: number, ramp?: Ramp) {
    this.#from = rate / 1000;
    this.#to = (ramp?.to ?? rate) / 1000;
    this.#afterMs = ramp?.afterMs ?? Infinity;
    this.#ms = ramp?.ms ?? 0;
  }

  /** How many ms after the beginning `count` messages, which may have a fraction, were due. */
  timeOf(count: number): number {
    const before = this.#from * this.#afterMs;
    if (count <= before) return count / this.#from;
    const left = count - before;
    const whole = ((this.#from + this.#to) / 2) * this.#ms;
    if (left >= whole) return this.#afterMs + this.#ms + (left - whole) / this.#to;
    // Solves left = from * t + (to - from) / (2 * ms) * t², in the form that also holds where both rates are the same.
    const growth = (2 * (this.#to - this.#from)) / this.#ms;
    return this.#afterMs + (2 * left) / (this.#from + Math.sqrt(this.#from ** 2 + growth * left));
  }
}

export class Arrivals {
  /** When the next message is due, in ms of this thread's clock. */
  due: number;
  /** The number of the client whose message that is. */
  client = 0;
  readonly #start: number;
  readonly #pace: Pace;
  /** How many messages were due before; at random, it has a fraction. */
  #count = 0;
  readonly #clients: number;
  readonly #pattern: Pattern;
  readonly #random: Random;

  constructor(start: number, pace: Pace, clients: number, pattern: Pattern, random: Random) {
    this.due = start;
    this.#start = start;
    this.#pace = pace;
    this.#clients = clients;
    this.#pattern = pattern;
    this.#random = random;
    if (pattern === 'poisson') this.advance();
  }

  /** Goes on to the next message. */
  advance(): void {
    const isEven = this.#pattern === 'even';
    this.#count += isEven ? 1 : exponential(this.#random);
    this.due = this.#start + this.#pace.timeOf(this.#count);
    this.client = isEven ? (this.client + 1) % this.#clients : Math.floor(this.#random() * this.#clients);
  }
}

/** Draws a random time between two things of which one comes in each unit of time on average, none knowing of the others. */
export function exponential(random: Random): number {
  return -Math.log(1 - random());
}
