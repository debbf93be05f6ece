/** Used to hand the events of all threads to whoever listens on main. */
import type { ServerEvent } from '../log/event.ts';
import { decodeEvent, encodeEvent } from '../log/event-record.ts';
import { EventRing } from '../sharing/event-ring.ts';

/**
 * Where one event comes, others follow: for this long, in ms, they gather before main looks again. The threads need not
 * wake it for each: main takes some third less of a CPU while TLS clients come and leave.
 */
const GATHER = 5;

export class EventStream {
  readonly ring = EventRing.create();
  readonly #listener: (event: ServerEvent) => void;
  #ended = false;

  constructor(listener: (event: ServerEvent) => void) {
    this.#listener = listener;
    this.ring.wait(this.#drain);
  }

  /** Adds an event of main's own, behind those of the threads so far. */
  report(event: ServerEvent): void {
    this.ring.write(encodeEvent(event));
  }

  /** Hands over what is left, and ends. */
  end(): void {
    this.#drain();
    this.#ended = true;
  }

  /** What the listener throws is an uncaught error of the program, as in any listener, but the next event comes. */
  #tell(event: ServerEvent): void {
    try {
      this.#listener(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  readonly #drain = (): void => {
    if (this.#ended) return;
    const lost = this.ring.drain((text) => this.#tell(decodeEvent(text)));
    if (lost > 0) this.#tell({ type: 'events-lost', time: Date.now(), count: lost });
    setTimeout(this.#rest, GATHER).unref();
  };

  readonly #rest = (): void => {
    if (!this.#ended) this.ring.wait(this.#drain);
  };
}
