/** A client's slot as the thread that serves it has it: at rest, busy or held, and what lies in it between turns. */
import { ENDED, type Ticket } from '../sharing/connection-table.ts';
import { BUSY, HELD, REST } from '../sharing/control-word.ts';
import { Channel } from './channel.ts';
import type { Host } from './host.ts';
import { Kept } from './kept.ts';
import { pack, unpack } from './luggage.ts';
import { Output } from './output.ts';

/*
 * Between turns, what is kept for a client lies in the arena and the slot says where, so that it is at rest as well and
 * can move; what a thread keeps of its own (a running handler, a session, bytes that the arena had no room for) makes it
 * HELD. See docs/protocol.md.
 */

export abstract class SlotHolder extends Channel {
  readonly id: number;
  readonly ticket: Ticket;
  /** The client has shut down its side: nothing more will come. */
  protected ended: boolean;
  /** Nothing may be done with this connection any more; its fd may be another's. */
  protected isClosed = false;
  /** The slot says where inbox and outbox are: nobody may touch their memory until it does not. */
  #isPacked: boolean;
  /** This thread's own copy of what the table says. */
  #state: typeof REST | typeof BUSY | typeof HELD = BUSY;

  /** Takes over a connection that this thread has just taken: its slot is BUSY. `arrived`: what was read from it before. */
  constructor(host: Host, fd: number, ticket: Ticket, flags: number, arrived: Kept | undefined) {
    const { stores, table } = host;
    const inbox = table.inbox(fd);
    const outbox = table.outbox(fd);
    const kept = inbox && Kept.open(stores, inbox, table.scanned(fd));
    super(host, fd, arrived ?? kept, outbox && new Output(host, fd, Kept.open(stores, outbox)));
    this.ticket = ticket;
    this.id = table.id(fd);
    this.ended = (flags & ENDED) !== 0;
    this.#isPacked = inbox !== undefined || outbox !== undefined;
  }

  protected get isAtRest(): boolean {
    return this.#state === REST;
  }

  protected get isHeld(): boolean {
    return this.#state === HELD;
  }

  /** Begins to work on the connection. The caller has the slot. */
  protected begin(): void {
    if (this.#state === REST) this.#state = BUSY;
    this.#unpack();
  }

  /** The same from outside of an event; false: the client is gone, or another thread's. */
  protected take(): boolean {
    if (this.isClosed) return false;
    if (this.#state !== REST) return true;
    const { table } = this.host;
    if (!table.take(this.fd, this.ticket)) return false;
    if (table.id(this.fd) !== this.id) {
      table.rest(this.fd, this.ticket); // Epochs have gone round since this one was here.
      return false;
    }
    this.begin();
    return true;
  }

  /** Gives the connection up until its next event: at rest, unless this thread keeps something of its own (`keepsMore`: beside bytes). */
  protected leave(keepsMore: boolean): void {
    const { fd, host, ticket } = this;
    if (keepsMore || !this.#pack()) {
      if (this.#state !== HELD) host.table.hold(fd, ticket);
      this.#state = HELD;
    } else {
      this.#state = REST;
      host.table.rest(fd, ticket);
    }
  }

  /** Gives up the slot for good, and closes the fd. Nothing is kept any more. */
  protected free(): void {
    const { fd, host, ticket } = this;
    host.row.addClients(-1);
    host.table.free(fd, ticket);
    host.sys.close(fd);
  }

  /** Leaves with the slot what is kept; false: not all of it can move. */
  #pack(): boolean {
    if (this.inbox === undefined && this.allSent && !this.ended) return true;
    if (this.output?.isAwaited) return false;
    this.#isPacked = pack(this.host, this.fd, this.inbox, this.output, this.ended);
    return this.#isPacked;
  }

  #unpack(): void {
    if (this.#isPacked) unpack(this.host, this.fd);
    this.#isPacked = false;
  }
}
