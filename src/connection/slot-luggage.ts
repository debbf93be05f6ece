/** Used to leave with a client at rest what is kept for it, and to take it back: see `docs/protocol.md`, rule 7. */
import { type ConnectionTable, ENDED, type Luggage } from '../sharing/connection-table.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import type { Stores } from './store.ts';

interface Hold {
  readonly table: ConnectionTable;
  readonly stores: Stores;
}

export class SlotLuggage {
  readonly #hold: Hold;
  readonly #fd: number;
  /** The slot says where inbox and outbox are: nobody may touch their memory until it does not. */
  #isPacked: boolean;

  /** `inbox` and `outbox`: what the slot says now. */
  constructor(hold: Hold, fd: number, inbox: Luggage | undefined, outbox: Luggage | undefined) {
    this.#hold = hold;
    this.#fd = fd;
    this.#isPacked = inbox !== undefined || outbox !== undefined;
  }

  /** Leaves with the slot what is kept; false: not all of it can move. */
  pack(input: Input, output: Output, ended: boolean): boolean {
    if (input.isEmpty && output.isEmpty && !ended) return true;
    const inbox = input.luggage;
    const outbox = output.stow();
    if ((inbox === undefined) !== input.isEmpty) return false;
    if ((outbox === undefined) !== output.isEmpty) return false;
    const { stores, table } = this.#hold;
    stores.leave(inbox);
    stores.leave(outbox);
    table.pack(this.#fd, inbox, input.scanned, outbox);
    table.setFlags(this.#fd, ended ? ENDED : 0);
    this.#isPacked = true;
    return true;
  }

  /** Takes from the slot what is kept: from now on its memory is this thread's to change. */
  unpack(): void {
    if (!this.#isPacked) return;
    this.#isPacked = false;
    const { stores, table } = this.#hold;
    const [inbox, outbox] = [table.inbox(this.#fd), table.outbox(this.#fd)];
    table.pack(this.#fd, undefined, 0, undefined);
    stores.claim(inbox);
    stores.claim(outbox);
  }
}
