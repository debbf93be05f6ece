/** Looks at the connections of a thread that linger, each a moment after it was last looked at. */
import type { CalledBack } from '../connection/context.ts';
import { LINGER_MS } from '../connection/end/linger.ts';

export class Lingering {
  /** `time` is set to the time of each look. */
  readonly #clock: { time: number };
  /** When each of them is looked at again, the first first. */
  readonly #due = new Map<CalledBack, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: { time: number }) {
    this.#clock = clock;
  }

  /** Has `connection.checkLinger` called a moment from now. */
  add(connection: CalledBack): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#check, LINGER_MS);
    this.#due.set(connection, performance.now() + LINGER_MS);
  }

  remove(connection: CalledBack): void {
    this.#due.delete(connection);
  }

  readonly #check = (): void => {
    const now = performance.now();
    this.#clock.time = now;
    for (const [connection, due] of this.#due) {
      if (due > now) break;
      this.#due.delete(connection); // If it goes on lingering it is the last one from now on.
      connection.checkLinger();
    }
    const [next] = this.#due.values();
    this.#timer = next === undefined ? undefined : setTimeout(this.#check, Math.max(1, next - now));
  };
}
