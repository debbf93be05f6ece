/** Remembers the clients that have left last, and why. */
import type { CloseEvent } from '../../log/event.ts';
import { CLOSED_BY } from '../closed-by.ts';
import { Ring } from './ring.ts';

/** How many clients are remembered that left in order; health checks come and go all day. */
const IN_ORDER = 1024;
/** How many of all others: clients that left in order do not push them out. */
const OTHERS = 3072;

const ORDERLY: ReadonlySet<string> = new Set(['client-finished', 'server-finished']);

export interface ClosedClient extends Omit<CloseEvent, 'type' | 'time' | 'client'> {
  readonly id: number;
  readonly state: 'closed';
  /** Who ended the connection. */
  readonly by: string;
  /** When the connection ended, in ms since 1970. */
  readonly closedAt: number;
}

export class ClosedClients {
  readonly #inOrder = new Ring<ClosedClient>(IN_ORDER);
  readonly #others = new Ring<ClosedClient>(OTHERS);

  add({ client: id, time: closedAt, type: _type, ...about }: CloseEvent): void {
    const ring = ORDERLY.has(about.reason) ? this.#inOrder : this.#others;
    ring.add({ id, state: 'closed', ...about, by: CLOSED_BY[about.reason], closedAt });
  }

  /** All that are remembered, the last to leave first. */
  list(): ClosedClient[] {
    const all = [...this.#inOrder.newest(), ...this.#others.newest()];
    return all.sort((one, other) => other.closedAt - one.closedAt);
  }

  find(id: number): ClosedClient | undefined {
    return this.list().find((client) => client.id === id);
  }
}
