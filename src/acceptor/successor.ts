/** Used by a server to be succeeded: another process takes its listening sockets, and then its clients at rest. */
import type { Closer } from '../connection/closer.ts';
import type { Arena } from '../sharing/arena.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable, Luggage } from '../sharing/connection-table.ts';
import { REST, stateOf, threadOf } from '../sharing/control-word.ts';
import type { ThreadBoard } from '../sharing/thread-board.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';
import { encodeRecord, recordOf } from './client-record.ts';
import { Link, LONGEST_PACKET, type Received, type Watch } from './link.ts';
import { decodePacket, encodePacket, encodeWelcome, type Packet } from './link-packets.ts';
import type { FromAcceptor } from './messages.ts';
import type { Mover } from './mover.ts';
import type { Roster } from './roster.ts';

/*
 * Whose a client is while it leaves: ours until the new process has answered that it has taken it. So we keep our copy of
 * its fd, and its slot is MOVING. An answer that was sent is read even if its sender has died since. When the link ends,
 * clients without an answer are put back to rest here, as they were: nobody has touched them.
 */

/** Room is asked for so many clients at once: all of them are on their way together. */
const MOST_ASKED = 64;

export interface SuccessorParts {
  readonly sys: Sys;
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly arena: Arena;
  readonly counters: AcceptorCounters;
  readonly mover: Mover;
  readonly closer: Closer;
  readonly roster: Roster;
  readonly watch: Watch;
  readonly say: (message: FromAcceptor) => void;
}

/** What is handed over beside clients. */
export interface Estate {
  /** The listening socket that a successor connects to. */
  readonly controlFd: number;
  readonly listeners: readonly { readonly fd: number; readonly isShared: boolean }[];
  /** Clients speak TLS: they stay. */
  readonly tls: boolean;
}

/** A packet that is still to be sent. */
interface Piece {
  readonly memory: NativeBuffer;
  readonly offset: number;
  readonly length: number;
}

export class Successor {
  readonly #parts: SuccessorParts;
  readonly #estate: Estate;
  readonly #arenaMemory: NativeBuffer;
  #link: Link | undefined;
  #pid = 0;
  #isReady = false;
  /** How many more clients it has room for, and whether it was asked for that. */
  #room = 0;
  #hasAsked = false;
  /** Clients that were sent, or begun to be, and not answered yet, by fd. */
  #leaving: number[] = [];
  /** The record of the last of them, and what is kept for it, as far as it was not sent. */
  #record: Buffer | undefined;
  #pieces: Piece[] = [];
  /** Where the next look for a client at rest begins. */
  #cursor = 0;
  #isOver = false;

  constructor(parts: SuccessorParts, estate: Estate) {
    this.#parts = parts;
    this.#estate = estate;
    this.#arenaMemory = parts.sys.wrap(parts.arena.bytes);
  }

  /** Lets somebody come. */
  open(): void {
    this.#parts.watch.add(this.#estate.controlFd);
  }

  /** Somebody has been handed the listening sockets, and may need them. */
  get isHere(): boolean {
    return this.#link !== undefined;
  }

  /** It accepts clients from now on; we do not. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** There are clients still to be handed over. */
  get isAtWork(): boolean {
    const { board, counters } = this.#parts;
    return this.#isReady && (counters.leaving > 0 || board.clients > 0);
  }

  /** Somebody has come, or says something. */
  event(): void {
    if (this.#link === undefined) this.#welcome();
    else this.#listen(this.#link);
  }

  /** Hands over clients that are at rest, as many as it has room for and the link takes. */
  step(): void {
    const link = this.#link;
    if (link === undefined || !this.#isReady) return;
    do {
      if (!this.#sendRest(link)) return;
    } while (!this.#isOver && this.#room > 0 && this.#pickNext());
    if (this.#room > 0) link.send(encodePacket({ kind: 'back', count: this.#room }));
    this.#room = 0; // Its places are for others, while nobody here is at rest.
    if (!this.#isOver && !this.#hasAsked) this.#ask(link);
  }

  #ask(link: Link): void {
    const { table } = this.#parts;
    let count = 0;
    for (let fd = 0; fd < table.size && count < MOST_ASKED; fd++) if (stateOf(table.word(fd)) === REST) count++;
    this.#hasAsked = count > 0;
    if (count > 0) link.send(encodePacket({ kind: 'ask', count }));
  }

  /** This process leaves by itself: clients that are not handed over yet stay. Who is here may accept at once. */
  leave(): void {
    this.#isOver = true;
    if (this.#link !== undefined && !this.#isReady) this.#begin(this.#link);
  }

  close(): void {
    this.#link?.close();
  }

  #welcome(): void {
    const { sys, watch } = this.#parts;
    const { controlFd, listeners, tls } = this.#estate;
    const fd = sys.accept(controlFd, { bytes: new Uint8Array(16), port: 0 });
    if (fd < 0) return;
    const peer = sys.peerCredentials(fd);
    const link = new Link(sys, fd);
    const uid = process.getuid?.();
    const isTrusted = typeof peer !== 'number' && (peer.uid === uid || peer.uid === 0);
    const welcome = { pid: process.pid, tls, shared: listeners.map(({ isShared }) => isShared) };
    const fds = [...listeners.map((listener) => listener.fd), controlFd];
    if (!isTrusted || link.send(encodeWelcome(welcome), fds) < 0) return link.close();
    this.#pid = peer.pid;
    this.#link = link;
    watch.remove(controlFd); // Who comes now, waits for the one after us.
    watch.add(fd);
  }

  #listen(link: Link): void {
    while (this.#link === link) {
      const received = link.receive();
      if (received === 'none') return;
      const packet = received === 'over' ? undefined : this.#read(received);
      if (packet === undefined) return this.#lost(link);
      if (packet.kind === 'ready') this.#begin(link);
      else if (packet.kind === 'room') this.#hasRoom(packet.count);
      else if (packet.kind === 'answer') this.#answered(packet.taken);
    }
  }

  #hasRoom(count: number): void {
    this.#room += count;
    this.#hasAsked = false;
  }

  #read({ bytes, fds }: Received): Packet | undefined {
    for (const fd of fds) this.#parts.sys.close(fd);
    return decodePacket(bytes);
  }

  #begin(link: Link): void {
    if (this.#isReady) return;
    this.#isReady = true;
    link.send(encodePacket({ kind: 'start', accepted: this.#parts.counters.lastId }));
    this.#parts.say({ type: 'succeeded', pid: this.#pid });
  }

  #answered(taken: boolean): void {
    const { closer, counters, table } = this.#parts;
    const fd = this.#leaving.shift();
    if (fd === undefined) return;
    counters.addLeaving(-1);
    if (!taken) return this.#bringBack(fd);
    counters.countHandedOver();
    closer.letGo(fd, table.word(fd));
  }

  #bringBack(fd: number): void {
    const { board, mover, roster, table } = this.#parts;
    const row = board.row(threadOf(table.word(fd)));
    // Its thread may be gone by now.
    mover.bringBack(fd, roster.find(row) === undefined ? (roster.any[0] ?? row) : row);
  }

  /** It is gone: what it has not answered stays here, and this process goes on as before. */
  #lost(link: Link): void {
    const wasReady = this.#isReady;
    const { counters, say, watch } = this.#parts;
    watch.remove(link.fd);
    link.close();
    this.open();
    this.#link = undefined;
    this.#isReady = false;
    this.#room = 0;
    this.#hasAsked = false;
    this.#record = undefined;
    this.#pieces = [];
    for (const fd of this.#leaving.splice(0)) {
      counters.addLeaving(-1);
      this.#bringBack(fd);
    }
    if (wasReady) say({ type: 'successor-lost', pid: this.#pid });
  }

  /** Takes a client that is at rest, to be sent next; false: there is none. */
  #pickNext(): boolean {
    const { board, counters, mover, table } = this.#parts;
    const { size } = table;
    for (let looked = 0; looked < size; looked++) {
      const fd = this.#cursor % size;
      this.#cursor = fd + 1;
      const word = table.word(fd);
      if (stateOf(word) !== REST || !mover.lift(fd, word, board.row(threadOf(word)))) continue;
      counters.addLeaving(1);
      this.#leaving.push(fd);
      this.#room--;
      this.#record = encodeRecord(recordOf(table, fd));
      this.#pieces = [...this.#piecesOf(table.inbox(fd)), ...this.#piecesOf(table.outbox(fd))];
      return true;
    }
    return false;
  }

  #piecesOf(luggage: Luggage | undefined): Piece[] {
    const pieces: Piece[] = [];
    if (luggage === undefined) return pieces;
    const at = this.#parts.arena.offset(luggage.block);
    for (let start = luggage.start; start < luggage.end; start += LONGEST_PACKET) {
      const length = Math.min(LONGEST_PACKET, luggage.end - start);
      pieces.push({ memory: this.#arenaMemory, offset: at + start, length });
    }
    return pieces;
  }

  /** Sends what is left of the last client; false: not all of it now. What is wrong with the link, reading it will tell. */
  #sendRest(link: Link): boolean {
    if (this.#record !== undefined) {
      if (link.send(this.#record, [this.#leaving.at(-1) as number]) < 0) return false;
      this.#record = undefined;
    }
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      if (link.sendFrom(piece.memory, piece.offset, piece.length) < 0) return false;
      this.#pieces.shift();
    }
    return true;
  }
}
