/** Holds a client's slot for the thread that serves it: takes it, leaves it idle or pinned, and notes in it what others watch. */
import { sharedTime } from '../sharing/clock.ts';
import { type ConnectionTable, type Generation, type SavedBytes, WORK_LEFT } from '../sharing/connection-table.ts';
import type { MemoryBlocks } from './bytes/saved-bytes.ts';

/*
 * Between turns, what is kept for a client lies in the arena and the slot says where, so that the client is idle as well
 * and can move. What a thread keeps of its own (a running handler, a session, bytes that the arena had no room for) makes
 * the slot PINNED. See docs/internals/protocol.md.
 */

/** The slot is idle, and others may take it. With neither this nor `PINNED` it is BUSY. */
const IDLE = 1;
/** The slot is pinned: this thread keeps something of its own. */
const PINNED = 2;
/** The slot says where saved bytes are: nobody may touch their memory until it no longer does. */
const SAVED = 4;
/** The slot says how much is kept for the client. */
const NOTED = 8;

/** What a lease needs of its thread. */
export interface LeaseContext {
  readonly table: ConnectionTable;
  readonly blocks: MemoryBlocks;
  /** When the last event was done with, in `performance.now()` ms. */
  readonly time: number;
  /** Makes the client of `fd` idle: this thread keeps nothing of its own. False: the kernel cannot watch it, it must be closed. */
  makeIdle(fd: number, generation: Generation): boolean;
  /** Notes that `more` bytes more are kept for a client than before, of which `here` are not in the arena. */
  countKept(more: number, here: number): void;
}

export class Lease {
  readonly fd: number;
  readonly id: number;
  readonly generation: Generation;
  readonly #context: LeaseContext;
  #state: number;

  /** Starts with a slot that this thread has just taken: it is BUSY. `hasSaved`: it says where saved bytes are. */
  constructor(context: LeaseContext, fd: number, generation: Generation, hasSaved: boolean) {
    this.#context = context;
    this.fd = fd;
    this.generation = generation;
    this.id = context.table.id(fd);
    this.#state = (hasSaved ? SAVED : 0) | (hasSaved || context.table.clientState(fd) !== 0 ? NOTED : 0);
  }

  /** Whether nobody has the slot; otherwise this thread has it: pinned, or taken to send what another client's message has for it. */
  get isIdle(): boolean {
    return (this.#state & IDLE) !== 0;
  }

  get isPinned(): boolean {
    return (this.#state & PINNED) !== 0;
  }

  /** Whether the slot keeps nothing for the client, and this thread is not known to. */
  get isClear(): boolean {
    return (this.#state & ~IDLE) === 0;
  }

  /** Begins to work on the client. The caller has the slot. */
  begin(): void {
    if (this.#state & SAVED) this.#restore();
    this.#state &= ~(IDLE | SAVED);
  }

  /** The same from outside of an event; false: the client is another thread's, or gone. */
  take(): boolean {
    if (!this.isIdle) return true;
    const { table } = this.#context;
    if (!table.take(this.fd, this.generation)) return false;
    if (!table.hasId(this.fd, this.id)) {
      table.idle(this.fd, this.generation); // Epochs have gone round since this one was here.
      return false;
    }
    this.begin();
    return true;
  }

  /** Gives the slot up until the next event: this thread keeps nothing of its own. False: the kernel cannot watch the client. */
  idle(): boolean {
    this.#state = (this.#state | IDLE) & ~PINNED;
    if (this.#context.makeIdle(this.fd, this.generation)) return true;
    this.#state &= ~IDLE;
    return false;
  }

  /** Keeps the slot until the next event, as this thread's. */
  pin(): void {
    if (this.#state & PINNED) return;
    this.#context.table.pin(this.fd, this.generation);
    this.#state |= PINNED;
  }

  /** Leaves with the slot what is kept, which moves with the client from now on; `flags`: what the slot says of it besides. */
  save(inbox: SavedBytes | undefined, scanned: number, outbox: SavedBytes | undefined, flags: number): void {
    const { blocks, table } = this.#context;
    blocks.leave(inbox);
    blocks.leave(outbox);
    table.save(this.fd, inbox, scanned, outbox);
    table.setFlags(this.fd, flags);
    this.#state |= SAVED;
  }

  /** Writes down how many bytes are kept for the client, of which `here` are not in the arena, where that may have changed. */
  noteKept(kept: number, here: number): void {
    const isNoted = (this.#state & NOTED) !== 0;
    if (kept === 0 && !isNoted) return;
    const { table } = this.#context;
    const before = isNoted ? table.kept(this.fd) : 0;
    const hereBefore = isNoted ? table.keptHere(this.fd) : 0;
    if (kept === before && here === hereBefore) return;
    table.setKept(this.fd, kept, here);
    this.#context.countKept(kept - before, here - hereBefore);
    if (kept === 0) this.#state &= ~NOTED;
    else this.#state |= NOTED;
  }

  /** Notes that bytes came or went. */
  noteActivity(): void {
    const { table, time } = this.#context;
    table.setLastActivity(this.fd, sharedTime(time));
  }

  /** Notes that the client cannot be idle for too long, whatever its bytes do, until `noteActivity` is called again. */
  stopIdling(): void {
    this.#context.table.setLastActivity(this.fd, 0);
  }

  /** Notes that a message is begun and not complete, and the service waits for it; `isNew`: the one before it has just ended. */
  messageStarted(isNew: boolean): void {
    const { table, time } = this.#context;
    if (isNew || table.messageStartedAt(this.fd) === 0) table.setMessageStartedAt(this.fd, sharedTime(time));
  }

  /** Notes that no message is begun, or that its client need not hurry: the service is not ready for it. */
  messageDone(): void {
    const { table } = this.#context;
    if (table.messageStartedAt(this.fd) !== 0) table.setMessageStartedAt(this.fd, 0);
  }

  /** Notes that the client does not read what waits for it, from now on. */
  writeStalled(): void {
    const { table, time } = this.#context;
    table.setWriteStalledAt(this.fd, sharedTime(time));
  }

  /** The same, unless that is noted already. */
  writeBlocked(): void {
    if (this.#context.table.writeStalledAt(this.fd) === 0) this.writeStalled();
  }

  /** Notes that nothing waits for the client. */
  writeFlowing(): void {
    this.#context.table.setWriteStalledAt(this.fd, 0);
  }

  /** Notes how many bytes wait for the client to read. */
  noteUnsent(bytes: number): void {
    this.#context.table.setUnsent(this.fd, bytes);
  }

  /** Takes from the slot what was saved: from now on its memory is this thread's to change. */
  #restore(): void {
    const { blocks, table } = this.#context;
    const [inbox, outbox] = [table.inbox(this.fd), table.outbox(this.fd)];
    table.save(this.fd, undefined, 0, undefined);
    table.setFlags(this.fd, table.flags(this.fd) & ~WORK_LEFT);
    blocks.claim(inbox);
    blocks.claim(outbox);
  }
}
