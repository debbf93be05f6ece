/** Keeps the clients that pause, the one first whose pause ends first. Adding and taking one allocates nothing, but when the queue grows. */

import { exponential } from './arrivals.ts';
import type { Random } from './random.ts';

export class Pauses<Client> {
  readonly #meanMs: number;
  readonly #random: Random;
  /** A binary heap: the children of the place n are at 2n + 1 and 2n + 2, and end no sooner. */
  readonly #ends: number[] = [];
  readonly #clients: Client[] = [];

  constructor(meanMs: number, random: Random) {
    this.#meanMs = meanMs;
    this.#random = random;
  }

  /** When the next pause ends; Infinity: nobody pauses. */
  get due(): number {
    return this.#ends[0] ?? Infinity;
  }

  /** Begins a pause of a random length. */
  begin(client: Client, now: number): void {
    const end = now + exponential(this.#random) * this.#meanMs;
    let place = this.#ends.length;
    for (let above = (place - 1) >> 1; place > 0 && end < (this.#ends[above] as number); above = (place - 1) >> 1) {
      this.#move(above, place);
      place = above;
    }
    this.#put(place, end, client);
  }

  /** Takes the client out whose pause ends next; there must be one. */
  take(): Client {
    const first = this.#clients[0] as Client;
    const [end, client] = [this.#ends.pop() as number, this.#clients.pop() as Client];
    const size = this.#ends.length;
    if (size === 0) return first;
    let place = 0;
    for (
      let below = this.#sooner(1);
      below < size && (this.#ends[below] as number) < end;
      below = this.#sooner(2 * place + 1)
    ) {
      this.#move(below, place);
      place = below;
    }
    this.#put(place, end, client);
    return first;
  }

  /** Of `place` and the one behind it, the place whose pause ends sooner. */
  #sooner(place: number): number {
    return (this.#ends[place + 1] ?? Infinity) < (this.#ends[place] ?? Infinity) ? place + 1 : place;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#ends[from] as number, this.#clients[from] as Client);
  }

  #put(place: number, end: number, client: Client): void {
    this.#ends[place] = end;
    this.#clients[place] = client;
  }
}
