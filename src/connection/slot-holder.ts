/** A client's slot as the thread that serves it has it: at rest, busy or held, and what lies in it between turns. */
import { ENDED as ENDED_FLAG, type Ticket, WORK_LEFT as WORK_LEFT_FLAG } from '../sharing/connection-table.ts';
import { Channel } from './channel.ts';
import { AT_REST, CLOSED, ENDED, HELD, NOTED, PACKED, WORK_LEFT, YIELDING } from './conditions.ts';
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

  /** Takes over a connection that this thread has just taken: its slot is BUSY. `arrived`: what was read from it before. */
  constructor(host: Host, fd: number, ticket: Ticket, flags: number, arrived: Kept | undefined) {
    const { stores, table } = host;
    const inbox = table.inbox(fd);
    const outbox = table.outbox(fd);
    const kept = inbox && Kept.open(stores, inbox, table.scanned(fd));
    super(host, fd, arrived ?? kept, outbox && new Output(host, fd, Kept.open(stores, outbox)));
    this.ticket = ticket;
    this.id = table.id(fd);
    if (flags & ENDED_FLAG) this.set(ENDED);
    if (flags & WORK_LEFT_FLAG) this.set(WORK_LEFT);
    if (inbox !== undefined || outbox !== undefined) this.set(PACKED | NOTED);
  }

  /** Nobody has the slot; otherwise it is this thread's: held, or taken to send what another client's message has for it. */
  get isAtRest(): boolean {
    return this.is(AT_REST);
  }

  /** Begins to work on the connection. The caller has the slot. */
  protected begin(): void {
    if (this.is(PACKED)) unpack(this.host, this.fd);
    this.unset(AT_REST | PACKED);
  }

  /** The same from outside of an event; false: the client is gone, or another thread's. */
  protected take(): boolean {
    if (this.is(CLOSED)) return false;
    if (!this.is(AT_REST)) return true;
    const { table } = this.host;
    if (!table.take(this.fd, this.ticket)) return false;
    if (!table.hasId(this.fd, this.id)) {
      table.rest(this.fd, this.ticket); // Epochs have gone round since this one was here.
      return false;
    }
    this.begin();
    return true;
  }

  /** Whether there is nothing at all that this thread, or the slot, keeps for the client. While a message waits alone it is `FLUSHING`. */
  protected keepsNothing(): boolean {
    return !this.is(~AT_REST) && this.inbox === undefined && this.output === undefined;
  }

  /** Gives the connection up until its next event, at rest: this thread keeps nothing of its own. */
  protected rest(): void {
    this.set(AT_REST);
    if (this.host.rest(this.fd, this.ticket)) return;
    this.unset(AT_REST);
    this.unwatched();
  }

  /** The kernel cannot watch the client any more. */
  protected abstract unwatched(): void;

  /** Gives it up at rest or held: `keepsMore`, this thread keeps something of its own beside bytes. */
  protected leave(keepsMore: boolean): void {
    const moves = !keepsMore && this.#pack();
    this.noteKept();
    if (moves) {
      this.unset(HELD);
      this.rest();
    } else {
      if (!this.is(HELD)) this.host.table.hold(this.fd, this.ticket);
      this.set(HELD);
      if (this.is(YIELDING) && !keepsMore) this.goesOnHere();
    }
  }

  /** What is left of its work cannot move: it is done here. */
  protected abstract goesOnHere(): void;

  /** How many bytes are kept for the client. */
  protected get kept(): number {
    return (this.inbox?.store.capacity ?? 0) + (this.output?.held ?? 0);
  }

  /** Writes down how much is kept for the client, where that may have changed. The caller has the slot. */
  protected noteKept(): void {
    const { fd, host, inbox, kept, output } = this;
    if (kept === 0 && !this.is(NOTED)) return;
    const { table } = host;
    const here = (inbox?.store.block === 0 ? inbox.store.capacity : 0) + (output?.heldHere ?? 0);
    const before = this.is(NOTED) ? table.kept(fd) : 0;
    const hereBefore = this.is(NOTED) ? table.keptHere(fd) : 0;
    if (kept === before && here === hereBefore) return;
    table.setKept(fd, kept, here);
    host.countKept(kept - before, here - hereBefore);
    if (kept === 0) this.unset(NOTED);
    else this.set(NOTED);
  }

  /** Gives up the slot for good, and closes the fd. Nothing is kept any more. */
  protected free(): void {
    const { fd, host, ticket } = this;
    host.row.addClients(-1);
    host.table.free(fd, ticket);
    host.sys.close(fd);
  }

  /** What the slot says of the connection while it is idle. */
  get #flags(): number {
    const workLeft = this.is(YIELDING | WORK_LEFT) && this.inbox !== undefined;
    return (this.is(ENDED) ? ENDED_FLAG : 0) | (workLeft ? WORK_LEFT_FLAG : 0);
  }

  /** Leaves with the slot what is kept; false: not all of it can move. */
  #pack(): boolean {
    if (this.inbox === undefined && this.allSent && !this.is(ENDED)) return true;
    if (this.output?.isAwaited) return false;
    const output = this.allSent ? undefined : this.queue();
    const isPacked = pack(this.host, this.fd, this.inbox, output, this.#flags);
    if (isPacked) this.set(PACKED);
    return isPacked;
  }
}
