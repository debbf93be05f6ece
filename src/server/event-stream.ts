/** Hands the events of all threads to whoever listens on main. */
import type { ServerEvent } from '../log/event.ts';
import { decodeEvent, encodeEvent } from '../log/event-record.ts';
import { EventRing } from '../sharing/event-ring.ts';
import { sourceStack } from './source-stack.ts';

/**
 * Where one event comes, others follow: for this long, in ms, they gather before main looks again. The threads need not
 * wake it for each: main takes some third less of a CPU while TLS clients come and leave.
 */
const GATHER_MS = 5;

export class EventStream {
  readonly ring = EventRing.create();
  readonly #listener: (event: ServerEvent) => void;
  /** Events of main's own, each behind what was written before: main enters no lock that a thread may have. */
  #own: { readonly text: string; readonly at: number }[] = [];
  #ended = false;
  /** How many events came faster than they were taken. */
  lost = 0;

  constructor(listener: (event: ServerEvent) => void) {
    this.#listener = listener;
    this.ring.wait(this.#drain);
  }

  /** Adds an event of main's own, behind those of the threads so far. */
  report(event: ServerEvent): void {
    this.#own.push({ text: encodeEvent(event), at: this.ring.written });
    this.ring.wake();
  }

  /** Hands over what is left, and ends. */
  end(): void {
    this.#drain();
    this.#ended = true;
  }

  /** Hands over main's own events from before the record at `at`. */
  #emitOwn(at: number): void {
    for (let first = this.#own[0]; first !== undefined && ((first.at - at) | 0) <= 0; first = this.#own[0]) {
      this.#own.shift();
      this.#emitText(first.text);
    }
  }

  #emitText(text: string): void {
    this.#emit(decodeEvent(sourceStack(text)));
  }

  /** What the listener throws is an uncaught error of the program, as in any listener, but the next event comes. */
  #emit(event: ServerEvent): void {
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
    const { written } = this.ring;
    const lost = this.ring.drain((text, at) => {
      this.#emitOwn(at);
      this.#emitText(text);
    });
    this.#emitOwn(written);
    this.lost += lost;
    if (lost > 0) this.#emit({ type: 'events-lost', time: Date.now(), count: lost });
    setTimeout(this.#rest, GATHER_MS).unref();
  };

  readonly #rest = (): void => {
    if (this.#own.length > 0) this.#drain();
    else if (!this.#ended) this.ring.wait(this.#drain);
  };
}
