/** Gives this process's listening sockets, and then its idle clients, to the next process. */
import type { Closer } from '../connection/end/close.ts';
import type { Arena, Block } from '../sharing/arena.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable, SavedBytes } from '../sharing/connection-table.ts';
import { IDLE, stateOf, threadOf } from '../sharing/control-word.ts';
import type { ThreadBoard } from '../sharing/thread-board.ts';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/constants.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';
import { encodeRecord, recordOf } from './client-record.ts';
import { HandoverChannel, MAX_PACKET_BYTES, type Received, type Watch } from './channel.ts';
import { decodePacket, encodePacket, encodeWelcome, type Packet } from './packets.ts';
import type { HandoverNotice, Offer } from './start.ts';
import type { Migrator } from '../supervisor/migrate.ts';
import type { ThreadRegistry } from '../supervisor/thread-registry.ts';

/*
 * Whose a client is while it leaves: ours until the new process has answered that it has taken it. So we keep our copy of
 * its fd, and its slot is MOVING. An answer that was sent is read even if its sender has died since. When the link ends,
 * clients without an answer are made idle again here, as they were: nobody has touched them.
 */

/** Room is asked for so many clients at once: all of them are on their way together. */
const MOST_ASKED = 64;

export interface GiverParts {
  readonly sys: Sys;
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly arena: Arena;
  readonly counters: AcceptorCounters;
  readonly migrator: Migrator;
  readonly closer: Closer;
  readonly registry: ThreadRegistry;
  readonly watch: Watch;
  readonly post: (message: HandoverNotice) => void;
}

/** A packet that is still to be sent. */
interface Piece {
  readonly memory: NativeBuffer;
  readonly offset: number;
  readonly length: number;
}

export class HandoverGiver {
  readonly #parts: GiverParts;
  readonly #offer: Offer;
  readonly #arenaMemory: NativeBuffer;
  #channel: HandoverChannel | undefined;
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
  /** Where the next look for an idle client begins. */
  #cursor = 0;
  #isOver = false;

  constructor(parts: GiverParts, offer: Offer) {
    this.#parts = parts;
    this.#offer = offer;
    this.#arenaMemory = parts.sys.wrap(parts.arena.bytes);
  }

  /** Lets somebody come. */
  open(): void {
    this.#parts.watch.add(this.#offer.controlFd);
  }

  /** Somebody has been handed the listening sockets, and may need them. */
  get isHere(): boolean {
    return this.#channel !== undefined;
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
    if (this.#channel === undefined) this.#welcome();
    else this.#listen(this.#channel);
  }

  /** Hands over clients that are idle, as many as it has room for and the link takes. */
  step(): void {
    const channel = this.#channel;
    if (channel === undefined || !this.#isReady) return;
    do {
      if (!this.#sendRest(channel)) return;
    } while (!this.#isOver && this.#room > 0 && this.#pickNext());
    // Its places are for others, while nobody here is idle. What the link, full of clients, does not take is said in the next step.
    if (this.#room > 0 && channel.send(encodePacket({ kind: 'back', count: this.#room })) < 0) return;
    this.#room = 0;
    if (!this.#isOver && !this.#hasAsked) this.#ask(channel);
  }

  #ask(channel: HandoverChannel): void {
    const { table } = this.#parts;
    let count = 0;
    for (let fd = 0; fd < table.size && count < MOST_ASKED; fd++) if (stateOf(table.word(fd)) === IDLE) count++;
    this.#hasAsked = count > 0 && channel.send(encodePacket({ kind: 'ask', count })) >= 0;
  }

  /** This process leaves by itself: clients that are not handed over yet stay. Who is here may accept at once. */
  leave(): void {
    this.#isOver = true;
    if (this.#channel !== undefined && !this.#isReady) this.#begin(this.#channel);
  }

  close(): void {
    this.#channel?.close();
  }

  #welcome(): void {
    const { sys, watch } = this.#parts;
    const { controlFd, listeners, tls } = this.#offer;
    const fd = sys.accept(controlFd, { bytes: new Uint8Array(16), port: 0 });
    if (fd < 0) return;
    const peer = sys.peerCredentials(fd);
    const channel = new HandoverChannel(sys, fd);
    const uid = process.getuid?.();
    const isTrusted = typeof peer !== 'number' && (peer.uid === uid || peer.uid === 0);
    const welcome = { pid: process.pid, tls, shared: listeners.map(({ isShared }) => isShared) };
    const fds = [...listeners.map((listener) => listener.fd), controlFd];
    if (!isTrusted || channel.send(encodeWelcome(welcome), fds) < 0) return channel.close();
    this.#pid = peer.pid;
    this.#channel = channel;
    watch.remove(controlFd); // Who comes now, waits for the one after us.
    watch.add(fd);
  }

  #listen(channel: HandoverChannel): void {
    while (this.#channel === channel) {
      const received = channel.receive();
      if (received === 'none') return;
      const packet = received === 'over' ? undefined : this.#read(received);
      if (packet === undefined) return this.#lost(channel);
      if (packet.kind === 'ready') this.#begin(channel);
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

  #begin(channel: HandoverChannel): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const { counters, post, sys } = this.#parts;
    const pair = sys.socketPair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
    const [totalsFd, theirs] = typeof pair === 'number' ? [-1, -1] : pair;
    channel.send(encodePacket({ kind: 'start', accepted: counters.lastId }), theirs < 0 ? [] : [theirs]);
    if (theirs >= 0) sys.close(theirs);
    post({ type: 'succeeded', pid: this.#pid, totalsFd, handedOver: counters.handedOver });
  }

  #answered(taken: boolean): void {
    const { closer, counters, table } = this.#parts;
    const fd = this.#leaving.shift();
    if (fd === undefined) return;
    counters.addLeaving(-1);
    if (!taken) return this.#reattach(fd);
    counters.countHandedOver();
    closer.letGo(fd, table.word(fd));
  }

  #reattach(fd: number): void {
    const { board, migrator, registry, table } = this.#parts;
    const row = board.row(threadOf(table.word(fd)));
    // Its thread may be gone by now.
    migrator.reattach(fd, registry.find(row) === undefined ? (registry.any[0] ?? row) : row);
  }

  /** It is gone: what it has not answered stays here, and this process goes on as before. */
  #lost(channel: HandoverChannel): void {
    const wasReady = this.#isReady;
    const { counters, post, watch } = this.#parts;
    watch.remove(channel.fd);
    channel.close();
    this.open();
    this.#channel = undefined;
    this.#isReady = false;
    this.#room = 0;
    this.#hasAsked = false;
    this.#record = undefined;
    this.#pieces = [];
    for (const fd of this.#leaving.splice(0)) {
      counters.addLeaving(-1);
      this.#reattach(fd);
    }
    post({ type: wasReady ? 'successor-lost' : 'successor-failed', pid: this.#pid });
  }

  /** Takes a client that is idle, to be sent next; false: there is none. */
  #pickNext(): boolean {
    const { arena, board, counters, migrator, table } = this.#parts;
    const { size } = table;
    for (let looked = 0; looked < size; looked++) {
      const fd = this.#cursor % size;
      this.#cursor = fd + 1;
      const word = table.word(fd);
      if (stateOf(word) !== IDLE || !migrator.detach(fd, word, board.row(threadOf(word)))) continue;
      counters.addLeaving(1);
      this.#leaving.push(fd);
      this.#room--;
      const record = recordOf(table, arena, fd);
      this.#record = encodeRecord(record);
      const state = savedState(table.clientState(fd), record.state);
      this.#pieces = [table.inbox(fd), table.outbox(fd), state].flatMap((saved) => this.#piecesOf(saved));
      return true;
    }
    return false;
  }

  #piecesOf(saved: Pick<SavedBytes, 'block' | 'start' | 'end'> | undefined): Piece[] {
    const pieces: Piece[] = [];
    if (saved === undefined) return pieces;
    const at = this.#parts.arena.offset(saved.block);
    for (let start = saved.start; start < saved.end; start += MAX_PACKET_BYTES) {
      const length = Math.min(MAX_PACKET_BYTES, saved.end - start);
      pieces.push({ memory: this.#arenaMemory, offset: at + start, length });
    }
    return pieces;
  }

  /** Sends what is left of the last client; false: not all of it now. What is wrong with the link, reading it will tell. */
  #sendRest(channel: HandoverChannel): boolean {
    if (this.#record !== undefined) {
      if (channel.send(this.#record, [this.#leaving.at(-1) as number]) < 0) return false;
      this.#record = undefined;
    }
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      if (channel.sendFrom(piece.memory, piece.offset, piece.length) < 0) return false;
      this.#pieces.shift();
    }
    return true;
  }
}

/** What the service keeps with a client, as bytes to send. */
function savedState(block: Block, size: number): Pick<SavedBytes, 'block' | 'start' | 'end'> | undefined {
  return block === 0 ? undefined : { block, start: 0, end: size };
}
