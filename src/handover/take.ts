/** Takes over from the process before this one: starts accepting when that one has stopped, and takes its clients. */
import type { Report } from '../connection/end/close.ts';
import { Arena } from '../sharing/arena.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { type ConnectionTable, type SavedBytes, PROXIED } from '../sharing/connection-table.ts';
import type { ThreadBoard, ThreadRow } from '../sharing/thread-board.ts';
import { sharedTime } from '../sharing/clock.ts';
import { EAGAIN } from '../sys/errno.ts';
import type { Sys } from '../sys/sys.ts';
import { CLIENT, type ClientRecord, decodeRecord } from './client-record.ts';
import { HandoverChannel, type Received, type Watch } from './channel.ts';
import { decodePacket, encodePacket } from './packets.ts';
import type { HandoverNotice, Source } from './start.ts';
import type { Migrator } from '../supervisor/migrate.ts';

/** Clients that may be on their way at once: their answers wait in one socket. */
const MOST_COMING = 64;
/** Packets that are taken in a row, before the acceptor looks at its other duties. */
const BATCH = 256;
/** How long no client may come after one that could not be taken, in ms: as accepting pauses when the system is out of something. */
const PAUSE_MS = 100;
/** Owner of blocks on their way into a slot: no service thread has this number. */
const ACCEPTOR = 0xfffe;

/** Keeps places for clients that are coming; see `Admission`. */
interface Reservations {
  reserve(most: number): number;
  takeReserved(fd: number, address: Uint8Array | undefined): void;
  giveBack(count: number): void;
}

export interface TakerParts {
  readonly sys: Sys;
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly arena: Arena;
  readonly counters: AcceptorCounters;
  readonly admission: Reservations;
  readonly migrator: Migrator;
  /** Chooses the thread of a client from `address`; `undefined`: there is none. */
  readonly choose: (address: Uint8Array) => ThreadRow | undefined;
  readonly watch: Watch;
  readonly post: (message: HandoverNotice) => void;
  readonly report: Report | undefined;
}

/** What is kept for a client, in the order in which it comes. */
const KEPT = ['inbox', 'outbox', 'state'] as const;
type Kept = (typeof KEPT)[number];

/** A client that is coming in. */
interface Arrival {
  readonly record: ClientRecord;
  /** -1: it did not come through. */
  readonly fd: number;
  /** Where what is kept for it goes; `undefined`: nowhere. */
  readonly inbox: SavedBytes | undefined;
  readonly outbox: SavedBytes | undefined;
  readonly state: SavedBytes | undefined;
  /** There was no room for all of that. */
  readonly isRefused: boolean;
  /** How many bytes of it have come. */
  received: number;
}

export class HandoverTaker {
  readonly #parts: TakerParts;
  readonly #source: Source;
  #channel: HandoverChannel | undefined;
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

  constructor(parts: TakerParts, source: Source) {
    this.#parts = parts;
    this.#source = source;
    this.#channel = new HandoverChannel(parts.sys, source.channelFd);
    parts.watch.add(source.channelFd);
  }

  /** It has not ended. */
  get isHere(): boolean {
    return this.#channel !== undefined;
  }

  /** It accepts clients still. */
  get isAccepting(): boolean {
    return this.#isAccepting;
  }

  /** Asks to be let in: our threads serve. */
  ready(): void {
    this.#isReady = true;
    if (this.#isAccepting) this.#channel?.send(encodePacket({ kind: 'ready' }));
    else this.#parts.post({ type: 'accepting' });
  }

  /** Takes what it says. */
  event(): void {
    for (let count = 0; count < BATCH && this.#channel !== undefined; count++) {
      const received = this.#channel.receive();
      if (received === 'none') return;
      if (received === 'over' || !this.#take(received)) this.#over();
    }
  }

  /** Lets clients come that it asks for, as many as there is room for. */
  step(now: number): void {
    const mayCome = this.#isReady && !this.#isAccepting && this.#source.takesClients && now >= this.#pausedUntil;
    if (this.#channel === undefined || !mayCome || this.#asked === 0) return;
    const count = this.#parts.admission.reserve(Math.min(this.#asked, MOST_COMING - this.#coming));
    if (count === 0) return;
    this.#asked = 0;
    this.#coming += count;
    this.#channel.send(encodePacket({ kind: 'room', count }));
  }

  close(): void {
    this.#channel?.close();
    if (this.#arrival !== undefined && this.#arrival.fd >= 0) this.#drop([this.#arrival.fd]);
  }

  /** False: it makes no sense. */
  #take({ bytes, fds }: Received): boolean {
    const arrival = this.#arrival;
    if (arrival !== undefined) return this.#continue(arrival, bytes, fds);
    if (bytes[0] === CLIENT) return this.#arrive(bytes, fds);
    const packet = decodePacket(bytes);
    if (packet?.kind === 'start') {
      this.#start(packet.accepted, fds);
      return true;
    }
    this.#drop(fds);
    if (packet?.kind === 'ask') this.#asked = packet.count;
    else return packet?.kind === 'back' && this.#giveBack(packet.count);
    return true;
  }

  /** `fds`: where it tells its totals; one of an earlier version has none. */
  #start(accepted: number, fds: readonly number[]): void {
    this.#parts.counters.goOnFrom(accepted);
    if (this.#isAccepting) this.#begin(fds);
    else this.#drop(fds);
  }

  #giveBack(count: number): boolean {
    if (count > this.#coming) return false;
    this.#coming -= count;
    this.#parts.admission.giveBack(count);
    return true;
  }

  #begin([totalsFd = -1, ...more]: readonly number[]): void {
    this.#drop(more);
    this.#isAccepting = false;
    this.#parts.post({ type: 'predecessor-left', pid: this.#source.pid, totalsFd });
    if (this.#isReady) this.#parts.post({ type: 'accepting' });
  }

  #arrive(bytes: Buffer, fds: readonly number[]): boolean {
    const record = decodeRecord(bytes);
    if (record === undefined || fds.length > 1 || this.#coming === 0) {
      this.#drop(fds);
      return false;
    }
    const { table } = this.#parts;
    const fd = fds[0] ?? -1;
    const kept = KEPT.map((name) => this.#allocate(record[name]));
    const [inbox, outbox, state] = kept;
    const isShort = kept.some((saved, index) => saved === undefined && record[KEPT[index] as Kept] > 0);
    const isRefused = fd < 0 || fd >= table.capacity || isShort;
    this.#goOn({ record, fd, inbox, outbox, state, isRefused, received: 0 });
    return true;
  }

  #continue(arrival: Arrival, bytes: Buffer, fds: readonly number[]): boolean {
    this.#drop(fds);
    const { name, at } = placeIn(arrival);
    if (at + bytes.length > arrival.record[name]) return false;
    const { arena } = this.#parts;
    const saved = arrival[name];
    if (saved !== undefined) arena.bytes.set(bytes, arena.offset(saved.block) + at);
    arrival.received += bytes.length;
    this.#goOn(arrival);
    return true;
  }

  /** Answers for a client that is here with all that is kept for it. */
  #goOn(arrival: Arrival): void {
    const { record } = arrival;
    const isWhole = arrival.received === record.inbox + record.outbox + record.state;
    this.#arrival = isWhole ? undefined : arrival;
    if (!isWhole) return;
    this.#coming--;
    const row = this.#parts.choose(record.address);
    // From the answer on the client is ours, so it comes first. If nobody hears it any more, nobody else has the client.
    const taken = row !== undefined && !arrival.isRefused;
    const sent = this.#channel?.send(encodePacket({ kind: 'answer', taken }));
    if (taken && sent !== EAGAIN) return this.#admit(arrival, row);
    this.#refuse(arrival);
    this.#pausedUntil = performance.now() + PAUSE_MS;
  }

  #admit({ record, fd, inbox, outbox, state }: Arrival, row: ThreadRow): void {
    const { admission, arena, board, counters, migrator, table } = this.#parts;
    const generation = table.admit(fd, row.thread, record.id, record.address, record.port, record.flags);
    table.setLastActivity(fd, record.lastActivity);
    table.setConnectedAt(fd, sharedTime(performance.now()));
    table.setMessageStartedAt(fd, record.messageStartedAt);
    table.setWriteStalledAt(fd, record.writeStalledAt);
    table.setUnsent(fd, record.outbox);
    table.setIdleTimeout(fd, record.idleTimeout);
    // Without a waiting room nobody is given back to it.
    if (board.waitingRoom.epollFd > 0) table.setKind(fd, record.kind);
    table.setCost(fd, record.cost, record.costAt, record.meanCost);
    const kept = [inbox, outbox, state].filter((saved) => saved !== undefined);
    for (const saved of kept) arena.leave(saved.block);
    table.save(fd, inbox, 0, outbox);
    table.setMode(fd, record.mode);
    table.setClientState(fd, state?.block ?? 0);
    table.setKept(
      fd,
      kept.reduce((sum, saved) => sum + saved.capacity, 0),
      0,
    );
    admission.takeReserved(fd, record.flags & PROXIED ? undefined : record.address);
    counters.countTakenOver();
    this.#taken++;
    row.clientCame();
    migrator.place(fd, generation, row);
  }

  /** Gives up our copy of a client that the other process keeps. */
  #refuse({ fd, inbox, outbox, state }: Arrival): void {
    const { admission, arena } = this.#parts;
    if (fd >= 0) this.#drop([fd]);
    for (const saved of [inbox, outbox, state]) if (saved !== undefined) arena.free(saved.block);
    admission.giveBack(1);
  }

  /** It has ended, after its last client or before. */
  #over(): void {
    const { admission, report, watch } = this.#parts;
    watch.remove(this.#source.channelFd);
    this.#channel?.close();
    this.#channel = undefined;
    if (this.#arrival !== undefined) {
      this.#coming--;
      this.#refuse(this.#arrival);
      this.#arrival = undefined;
    }
    admission.giveBack(this.#coming);
    this.#coming = 0;
    if (this.#isAccepting) this.#begin([]);
    this.#parts.post({ type: 'predecessor-over', clients: this.#taken });
    report?.({ type: 'taken-over', time: Date.now(), predecessor: this.#source.pid, clients: this.#taken });
  }

  #allocate(size: number): SavedBytes | undefined {
    if (size === 0) return undefined;
    const block = this.#parts.arena.allocate(size, ACCEPTOR);
    return block === 0 ? undefined : { block, capacity: Arena.capacity(size), start: 0, end: size };
  }

  #drop(fds: readonly number[]): void {
    for (const fd of fds) this.#parts.sys.close(fd);
  }
}

/** What the next bytes of a client that is coming in are a part of, and from which byte on. */
function placeIn({ record, received }: Arrival): { readonly name: Kept; readonly at: number } {
  if (received < record.inbox) return { name: 'inbox', at: received };
  const at = received - record.inbox;
  return at < record.outbox ? { name: 'outbox', at } : { name: 'state', at: at - record.outbox };
}
