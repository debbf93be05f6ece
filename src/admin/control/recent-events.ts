/** Remembers the last events of a server that say more than that a client has come or gone. */
import type { ServerEvent } from '../../log/event.ts';

/** How many are remembered, and how long their texts may be, in characters. */
const MOST = 1024;
const LONGEST_TEXT = 1000;

/** An event with its number: each has one more than the event before. */
export type NumberedEvent = ServerEvent & { readonly seq: number };

export class RecentEvents {
  readonly #events: NumberedEvent[] = [];
  #last = 0;

  add(event: ServerEvent): void {
    if (event.type === 'open' || event.type === 'close') return;
    const text = JSON.stringify({ ...event, seq: ++this.#last }, (_key, value: unknown) =>
      typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value,
    );
    this.#events.push(JSON.parse(text) as NumberedEvent);
    if (this.#events.length > MOST) this.#events.shift();
  }

  /** Those after number `seq`, the oldest first. A number that no event has yet is that of another process: then all. */
  after(seq: number): readonly NumberedEvent[] {
    return seq > this.#last ? this.#events : this.#events.filter((event) => event.seq > seq);
  }
}
