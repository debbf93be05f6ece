/** Used by a server to succeed another process: to begin when that one has stopped accepting, and to take its clients. */
import type { Report } from '../connection/closer.ts';
import { Arena } from '../sharing/arena.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { type ConnectionTable, type Luggage, PROXIED } from '../sharing/connection-table.ts';
import type { ThreadBoard, ThreadRow } from '../sharing/thread-board.ts';
import { EAGAIN } from '../sys/errno.ts';
import type { Sys } from '../sys/sys.ts';
import type { Admission } from './admission.ts';
import { CLIENT, type ClientRecord, decodeRecord } from './client-record.ts';
import { Link, type Received, type Watch } from './link.ts';
import { decodePacket, encodePacket } from './link-packets.ts';
import type { FromAcceptor } from './messages.ts';
import type { Mover } from './mover.ts';

/** Clients that may be on their way at once: their answers wait in one socket. */
const MOST_COMING = 64;
/** Packets that are taken in a row, before the acceptor looks at its other duties. */
const BATCH = 256;
/** How long no client may come after one that could not be taken, in ms: as accepting pauses when the system is out of something. */
const PAUSE = 100;
/** Owner of blocks on their way into a slot: no service thread has this number. */
const ACCEPTOR = 0xfffe;

export interface PredecessorParts {
  readonly sys: Sys;
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly arena: Arena;
  readonly counters: AcceptorCounters;
  readonly admission: Admission;
  readonly mover: Mover;
  /** Chooses the thread of a client from `address`; `undefined`: there is none. */
  readonly choose: (address: Uint8Array) => ThreadRow | undefined;
  readonly watch: Watch;
  readonly say: (message: FromAcceptor) => void;
  readonly report: Report | undefined;
}

export interface Heritage {
  /** The connection to the process that is succeeded. */
  readonly linkFd: number;
  readonly pid: number;
  /** Its clients can be taken. */
  readonly takesClients: boolean;
}

/** A client that is coming in. */
interface Arrival {
  readonly record: ClientRecord;
  /** -1: it did not come through. */
  readonly fd: number;
  /** Where what is kept for it goes; `undefined`: nowhere. */
  readonly inbox: Luggage | undefined;
  readonly outbox: Luggage | undefined;
  /** There was no room for all of that. */
  readonly isRefused: boolean;
  /** How many bytes of it have come. */
  received: number;
}

export class Predecessor {
  readonly #parts: PredecessorParts;
  readonly #heritage: Heritage;
  #link: Link | undefined;
  /** It accepts clients still; so we must not. */
  #isAccepting = true;
  /** Our threads serve. */
  #isReady = false;
  /** For how many clients it asks, and how many may come. */
  #asked = 0;
  #coming = 0;
  #taken = 0;
  #pausedUntil = 0;
  #arrival: Arrival | undefined;

  constructor(parts: PredecessorParts, heritage: Heritage) {
    this.#parts = parts;
    this.#heritage = heritage;
    this.#link = new Link(parts.sys, heritage.linkFd);
    parts.watch.add(heritage.linkFd);
  }

  /** It has not ended. */
  get isHere(): boolean {
    return this.#link !== undefined;
  }

  /** It accepts clients still. */
  get isAccepting(): boolean {
    return this.#isAccepting;
  }

  /** Asks to be let in: our threads serve. */
  ready(): void {
    this.#isReady = true;
    if (this.#isAccepting) this.#link?.send(encodePacket({ kind: 'ready' }));
    else this.#parts.say({ type: 'accepting' });
  }

  /** Takes what it says. */
  event(): void {
    for (let count = 0; count < BATCH && this.#link !== undefined; count++) {
      const received = this.#link.receive();
      if (received === 'none') return;
      if (received === 'over' || !this.#take(received)) this.#over();
    }
  }

  /** Lets clients come that it asks for, as many as there is room for. */
  step(now: number): void {
    const mayCome = this.#isReady && !this.#isAccepting && this.#heritage.takesClients && now >= this.#pausedUntil;
    if (this.#link === undefined || !mayCome || this.#asked === 0) return;
    const count = this.#parts.admission.reserve(Math.min(this.#asked, MOST_COMING - this.#coming));
    if (count === 0) return;
    this.#asked = 0;
    this.#coming += count;
    this.#link.send(encodePacket({ kind: 'room', count }));
  }

  close(): void {
    this.#link?.close();
    if (this.#arrival !== undefined && this.#arrival.fd >= 0) this.#drop([this.#arrival.fd]);
  }

  /** False: it makes no sense. */
  #take({ bytes, fds }: Received): boolean {
    const arrival = this.#arrival;
    if (arrival !== undefined) return this.#continue(arrival, bytes, fds);
    if (bytes[0] === CLIENT) return this.#arrive(bytes, fds);
    this.#drop(fds);
    const packet = decodePacket(bytes);
    if (packet?.kind === 'start') this.#start(packet.accepted);
    else if (packet?.kind === 'ask') this.#asked = packet.count;
    else return packet?.kind === 'back' && this.#giveBack(packet.count);
    return true;
  }

  #start(accepted: number): void {
    this.#parts.counters.goOnFrom(accepted);
    this.#begin();
  }

  #giveBack(count: number): boolean {
    if (count > this.#coming) return false;
    this.#coming -= count;
    this.#parts.admission.giveBack(count);
    return true;
  }

  #begin(): void {
    if (!this.#isAccepting) return;
    this.#isAccepting = false;
    if (this.#isReady) this.#parts.say({ type: 'accepting' });
  }

  #arrive(bytes: Buffer, fds: readonly number[]): boolean {
    const record = decodeRecord(bytes);
    if (record === undefined || fds.length > 1 || this.#coming === 0) {
      this.#drop(fds);
      return false;
    }
    const { table } = this.#parts;
    const fd = fds[0] ?? -1;
    const [inbox, outbox] = [this.#allocate(record.inbox), this.#allocate(record.outbox)];
    const isShort = (record.inbox > 0 && inbox === undefined) || (record.outbox > 0 && outbox === undefined);
    const isRefused = fd < 0 || fd >= table.capacity || isShort;
    this.#goOn({ record, fd, inbox, outbox, isRefused, received: 0 });
    return true;
  }

  #continue(arrival: Arrival, bytes: Buffer, fds: readonly number[]): boolean {
    this.#drop(fds);
    const { record, inbox, outbox, received } = arrival;
    const isInbox = received < record.inbox;
    const luggage = isInbox ? inbox : outbox;
    const at = isInbox ? received : received - record.inbox;
    if (at + bytes.length > (isInbox ? record.inbox : record.outbox)) return false;
    const { arena } = this.#parts;
    if (luggage !== undefined) arena.bytes.set(bytes, arena.offset(luggage.block) + at);
    arrival.received += bytes.length;
    this.#goOn(arrival);
    return true;
  }

  /** Answers for a client that is here with all that is kept for it. */
  #goOn(arrival: Arrival): void {
    const isWhole = arrival.received === arrival.record.inbox + arrival.record.outbox;
    this.#arrival = isWhole ? undefined : arrival;
    if (!isWhole) return;
    this.#coming--;
    const row = this.#parts.choose(arrival.record.address);
    // From the answer on the client is ours, so it comes first. If nobody hears it any more, nobody else has the client.
    const taken = row !== undefined && !arrival.isRefused;
    const sent = this.#link?.send(encodePacket({ kind: 'answer', taken }));
    if (taken && sent !== EAGAIN) return this.#admit(arrival, row);
    this.#refuse(arrival);
    this.#pausedUntil = performance.now() + PAUSE;
  }

  #admit({ record, fd, inbox, outbox }: Arrival, row: ThreadRow): void {
    const { admission, arena, board, counters, mover, table } = this.#parts;
    const ticket = table.admit(fd, row.thread, record.id, record.address, record.port, record.flags);
    table.setSeen(fd, record.seen);
    table.setBegun(fd, record.begun);
    table.setStuck(fd, record.stuck);
    // Without a waiting room nobody is given back to it.
    if (board.waitingRoom.epollFd > 0) table.setKind(fd, record.kind);
    table.setCost(fd, record.cost, record.costAt, record.meanCost);
    for (const luggage of [inbox, outbox]) if (luggage !== undefined) arena.leave(luggage.block);
    table.pack(fd, inbox, 0, outbox);
    table.setKept(fd, (inbox?.capacity ?? 0) + (outbox?.capacity ?? 0), 0);
    admission.takeReserved(fd, record.flags & PROXIED ? undefined : record.address);
    counters.countTakenOver();
    this.#taken++;
    mover.place(fd, ticket, row);
  }

  /** Gives up our copy of a client that the other process keeps. */
  #refuse({ fd, inbox, outbox }: Arrival): void {
    const { admission, arena } = this.#parts;
    if (fd >= 0) this.#drop([fd]);
    for (const luggage of [inbox, outbox]) if (luggage !== undefined) arena.free(luggage.block);
    admission.giveBack(1);
  }

  /** It has ended, after its last client or before. */
  #over(): void {
    const { admission, report, watch } = this.#parts;
    watch.remove(this.#heritage.linkFd);
    this.#link?.close();
    this.#link = undefined;
    if (this.#arrival !== undefined) {
      this.#coming--;
      this.#refuse(this.#arrival);
      this.#arrival = undefined;
    }
    admission.giveBack(this.#coming);
    this.#coming = 0;
    this.#begin();
    report?.({ type: 'taken-over', time: Date.now(), predecessor: this.#heritage.pid, clients: this.#taken });
  }

  #allocate(size: number): Luggage | undefined {
    if (size === 0) return undefined;
    const block = this.#parts.arena.allocate(size, ACCEPTOR);
    return block === 0 ? undefined : { block, capacity: Arena.capacity(size), start: 0, end: size };
  }

  #drop(fds: readonly number[]): void {
    for (const fd of fds) this.#parts.sys.close(fd);
  }
}
