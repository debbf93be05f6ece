/** Keeps a client's slot for the thread that serves it: idle, busy or pinned, and what lies in the slot between turns. */
import {
  ENDED as ENDED_FLAG,
  type Generation,
  WORK_LEFT as WORK_LEFT_FLAG,
  type ConnectionTable,
} from '../sharing/connection-table.ts';
import { Channel } from './channel.ts';
import { IDLE, CLOSED, ENDED, PINNED, NOTED, SAVED, WORK_LEFT, YIELDING } from './flags.ts';
import type { ThreadContext } from './context.ts';
import { SharedBuffer, type MemoryBlocks } from './saved-bytes.ts';
import { Output } from './output.ts';
import { sharedTime } from '../sharing/clock.ts';

/*
 * Between turns, what is kept for a client lies in the arena and the slot says where, so that it is idle as well and
 * can move; what a thread keeps of its own (a running handler, a session, bytes that the arena had no room for) makes it
 * PINNED. See docs/internals/protocol.md.
 */

export abstract class Lease extends Channel {
  readonly id: number;
  readonly generation: Generation;

  /** Takes over a connection that this thread has just taken: its slot is BUSY. `arrived`: what was read from it before. */
  constructor(
    context: ThreadContext,
    fd: number,
    generation: Generation,
    flags: number,
    arrived: SharedBuffer | undefined,
  ) {
    const { blocks, table } = context;
    const inbox = table.inbox(fd);
    const outbox = table.outbox(fd);
    const kept = inbox && SharedBuffer.open(blocks, inbox, table.scanned(fd));
    super(context, fd, arrived ?? kept, outbox && new Output(context, fd, SharedBuffer.open(blocks, outbox)));
    this.generation = generation;
    this.id = table.id(fd);
    if (flags & ENDED_FLAG) this.set(ENDED);
    if (flags & WORK_LEFT_FLAG) this.set(WORK_LEFT);
    if (inbox !== undefined || outbox !== undefined) this.set(SAVED | NOTED);
  }

  /** Nobody has the slot; otherwise it is this thread's: pinned, or taken to send what another client's message has for it. */
  get isIdle(): boolean {
    return this.is(IDLE);
  }

  /** Begins to work on the connection. The caller has the slot. */
  protected begin(): void {
    if (this.is(SAVED)) restore(this.context, this.fd);
    this.unset(IDLE | SAVED);
  }

  /** The same from outside of an event; false: the client is gone, or another thread's. */
  protected take(): boolean {
    if (this.is(CLOSED)) return false;
    if (!this.is(IDLE)) return true;
    const { table } = this.context;
    if (!table.take(this.fd, this.generation)) return false;
    if (!table.hasId(this.fd, this.id)) {
      table.idle(this.fd, this.generation); // Epochs have gone round since this one was here.
      return false;
    }
    this.begin();
    return true;
  }

  /** Whether there is nothing at all that this thread, or the slot, keeps for the client. While a message waits alone it is `FLUSHING`. */
  protected keepsNothing(): boolean {
    return !this.is(~IDLE) && this.inbox === undefined && this.output === undefined;
  }

  /** Gives the connection up until its next event, idle: this thread keeps nothing of its own. */
  protected becomeIdle(): void {
    this.set(IDLE);
    if (this.context.makeIdle(this.fd, this.generation)) return;
    this.unset(IDLE);
    this.unwatched();
  }

  /** The kernel cannot watch the client any more. */
  protected abstract unwatched(): void;

  /** Gives it up idle or pinned: `keepsMore`, this thread keeps something of its own beside bytes. */
  protected leave(keepsMore: boolean): void {
    const moves = !keepsMore && this.#save();
    this.noteKept();
    if (moves) {
      this.unset(PINNED);
      this.becomeIdle();
    } else {
      if (!this.is(PINNED)) this.context.table.pin(this.fd, this.generation);
      this.set(PINNED);
      if (this.is(YIELDING) && !keepsMore) this.goesOnHere();
    }
  }

  /** What is left of its work cannot move: it is done here. */
  protected abstract goesOnHere(): void;

  /** How many bytes are kept for the client. */
  protected get kept(): number {
    return (this.inbox?.store.capacity ?? 0) + (this.output?.allocated ?? 0);
  }

  /** Writes down how much is kept for the client, where that may have changed. The caller has the slot. */
  protected noteKept(): void {
    const { fd, context, inbox, kept, output } = this;
    if (kept === 0 && !this.is(NOTED)) return;
    const { table } = context;
    const here = (inbox?.store.block === 0 ? inbox.store.capacity : 0) + (output?.allocatedHere ?? 0);
    const before = this.is(NOTED) ? table.kept(fd) : 0;
    const hereBefore = this.is(NOTED) ? table.keptHere(fd) : 0;
    if (kept === before && here === hereBefore) return;
    table.setKept(fd, kept, here);
    context.countKept(kept - before, here - hereBefore);
    if (kept === 0) this.unset(NOTED);
    else this.set(NOTED);
  }

  /** Gives up the slot for good, and closes the fd. Nothing is kept any more. */
  protected free(): void {
    const { fd, context, generation } = this;
    context.row.addClients(-1);
    context.table.free(fd, generation);
    context.sys.close(fd);
  }

  /** What the slot says of the connection while it is idle. */
  get #flags(): number {
    const workLeft = this.is(YIELDING | WORK_LEFT) && this.inbox !== undefined;
    return (this.is(ENDED) ? ENDED_FLAG : 0) | (workLeft ? WORK_LEFT_FLAG : 0);
  }

  /** Leaves with the slot what is kept; false: not all of it can move. */
  #save(): boolean {
    if (this.inbox === undefined && this.allSent && !this.is(ENDED)) return true;
    if (this.output?.isAwaited) return false;
    const output = this.allSent ? undefined : this.queue();
    const isSaved = save(this.context, this.fd, this.inbox, output, this.#flags);
    if (isSaved) this.set(SAVED);
    return isSaved;
  }
}

interface Owner {
  readonly table: ConnectionTable;
  readonly blocks: MemoryBlocks;
}

/** Leaves with the slot what is kept; false: not all of it can move. `flags`: what the slot says of the client besides. */
function save(
  owner: Owner,
  fd: number,
  kept: SharedBuffer | undefined,
  output: Output | undefined,
  flags: number,
): boolean {
  const { blocks, table } = owner;
  const inbox = kept?.saved;
  const outbox = output?.spill();
  if (kept !== undefined && inbox === undefined) return false;
  if (output?.isEmpty === false && outbox === undefined) return false;
  blocks.leave(inbox);
  blocks.leave(outbox);
  table.save(fd, inbox, kept?.scanned ?? 0, outbox);
  table.setFlags(fd, flags);
  return true;
}

/** Takes from the slot what is kept: from now on its memory is this thread's to change. */
function restore({ blocks, table }: Owner, fd: number): void {
  const [inbox, outbox] = [table.inbox(fd), table.outbox(fd)];
  table.save(fd, undefined, 0, undefined);
  blocks.claim(inbox);
  blocks.claim(outbox);
}

/** What is needed of the thread. `time`: when the last event was done with, in `performance.now()` ms. */
interface Clock {
  readonly table: ConnectionTable;
  readonly time: number;
}

/** Bytes came or went. */
export function noteActivity({ table, time }: Clock, fd: number): void {
  table.setLastActivity(fd, sharedTime(time));
}

/** The client is not idle, whatever its bytes do, until `noteActivity` is called again. */
export function stopIdling({ table }: Clock, fd: number): void {
  table.setLastActivity(fd, 0);
}

/** A message is begun and not complete, and the service waits for it; `isNew`: the one before it has just ended. */
export function messageStarted({ table, time }: Clock, fd: number, isNew: boolean): void {
  if (isNew || table.messageStartedAt(fd) === 0) table.setMessageStartedAt(fd, sharedTime(time));
}

/** No message is begun, or its client need not hurry: the service is not ready for it. */
export function messageDone({ table }: Clock, fd: number): void {
  if (table.messageStartedAt(fd) !== 0) table.setMessageStartedAt(fd, 0);
}

/** What waits for the client is not read, from now on. */
export function writeStalled({ table, time }: Clock, fd: number): void {
  table.setWriteStalledAt(fd, sharedTime(time));
}

/** Nothing waits for the client. */
export function writeFlowing({ table }: Clock, fd: number): void {
  table.setWriteStalledAt(fd, 0);
}
