/** Says, for every fd of the process, whose it is: the memory through which connections change threads. */
import type { Sys } from '../sys/sys.ts';
import type { Block } from './arena.ts';
import { type ClientKind, LIGHT, NEWCOMER } from './client-kind.ts';
import { elapsed } from './clock.ts';
import {
  BUSY,
  CLOSING,
  controlWord,
  EPOCHS,
  epochOf,
  FREE,
  PINNED,
  MOVING,
  IDLE,
  stateOf,
  threadOf,
  withoutEpoch,
  withState,
} from './control-word.ts';

// A slot is two cache lines, so that two threads never fight over a line of neighbouring clients.
const SLOT_WORDS = 32;
// Word 0 is the control word.
const FLAGS = 1; // in the lower half; the upper half is the mode
const ID = 2; // and 3: a Float64
const ADDRESS = 4; // to 7: 16 bytes
const PORT = 8;
const SCANNED = 9;
const KIND = 10;
const LAST_ACTIVITY = 11;
const MESSAGE_STARTED_AT = 12;
const WRITE_STALLED_AT = 13;
const GIVER = 14;
const ARRIVED_FROM = 15;
const INBOX = 16; // to 18: a SavedBytes
const IDLE_TIMEOUT = 19;
const OUTBOX = 20; // to 22: a SavedBytes
const UNSENT = 23;
const COST = 24;
const COST_AT = 25;
const MEAN = 26;
const MOVED_AT = 27;
const KEPT = 28;
const KEPT_HERE = 29;
const DUE = 30; // and CONNECTED_AT
const CLIENT_STATE = 31;
// The header has a line of its own.
const HIGHEST = 0;
const SHORTEST_IDLE_TIMEOUT = 1;

/** The lower bits of the first word of a SavedBytes: the logarithm of the block's size. Above them is the block. */
const [SIZE_BITS, SIZE_MASK] = [5, 0b11111];

/** The lower bits of DUE; above them are the seconds of the shared clock when the client came. Both are the acceptor's. */
const DUE_BITS = 2;
const DUE_MASK = 0b11;

/** What DUE says: the client is to be closed, for want of memory or by the operator. The acceptor decides. */
const [NOT_DUE, SURPLUS, KICKED] = [0, 1, 2];

// The upper half of PORT: how often the client has changed threads.
const PORT_BITS = 16;
const PORT_MASK = 0xffff;
// The upper half of FLAGS: what stands for the client's framing.
const FLAG_BITS = 16;
const FLAG_MASK = 0xffff;

/** The service's `open` has not run yet for this connection. */
export const NEW = 1;
/** The connection's end was counted and reported; it is only to be closed. */
export const COUNTED = 4;
/** The client has shut down its side: nothing more will come, but it has not got all its replies. */
export const ENDED = 2;
/** A PROXY header comes first, of which at most a part is in the inbox: nobody was told of the client, the address is the proxy's. */
export const PROXIED = 8;

/** Whole messages are in the inbox, or may be: its thread served one, and left the rest for the client's next turn. */
export const WORK_LEFT = 16;

/** Its thread was told to end and does not: the client was cut off, and the slot is that thread's until it is gone. */
export const LOST = 32;

/** The server has ended its side: nothing can be sent to the client any more. */
export const OUTPUT_OVER = 64;

/** Bytes `[start, end)` of a block of the arena that belong to a connection and move with it. */
export interface SavedBytes {
  readonly block: Block;
  /** A power of two. */
  readonly capacity: number;
  readonly start: number;
  readonly end: number;
}

/**
 * A generation names one period of one connection on one thread: it is the control word of that period in state IDLE. It
 * travels in the data of the connection's epoll events; an event whose generation is not the slot's is stale.
 */
export type Generation = number;

/**
 * A `SharedArrayBuffer` of slots indexed by fd. Who may call what: `admit`, `settle`, `startMove`, `turnBack` are the
 * acceptor's; `take` and `takeReady` are the thread's that the generation names; the rest is for whoever has the slot.
 */
export class ConnectionTable {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.capacity = this.#words.length / SLOT_WORDS - 1;
  }

  /** Makes a table for fds below `capacity`. Untouched slots take no memory: the kernel maps them when they are written. */
  static create(capacity: number): ConnectionTable {
    return new ConnectionTable(new SharedArrayBuffer((capacity + 1) * SLOT_WORDS * 4));
  }

  /** One past the highest fd that was ever admitted: where a look at all connections ends. */
  get size(): number {
    return Atomics.load(this.#words, HIGHEST);
  }

  /** The control word as it was at some time: by a plain load, for whoever decides nothing by it. */
  peek(fd: number): number {
    return this.#words[this.#at(fd)] as number;
  }

  /** Whether no client has a slot but those that were cut off. Exact while nobody is accepted: a client never changes its slot. */
  get isEmpty(): boolean {
    for (let fd = 0; fd < this.size; fd++)
      if (stateOf(this.word(fd)) !== FREE && (this.flags(fd) & LOST) === 0) return false;
    return true;
  }

  word(fd: number): number {
    return Atomics.load(this.#words, this.#at(fd));
  }

  /**
   * Fills the slot of a client just accepted and returns its generation on `thread`. The slot is MOVING: nobody else may
   * touch it until its fd is in the thread's epoll set.
   */
  admit(fd: number, thread: number, id: number, address: Uint8Array, port: number, flags: number): Generation {
    const at = this.#at(fd);
    const previous = Atomics.load(this.#words, at);
    if (stateOf(previous) !== FREE) throw new Error(`fd ${fd} was accepted while its slot is in use`);
    this.#doubles[(at + ID) >> 1] = id;
    this.#words[at + FLAGS] = flags;
    this.#words.fill(0, at + PORT, at + SLOT_WORDS); // Nothing is left of the client before.
    this.#words[at + KIND] = NEWCOMER;
    this.setAddress(fd, address, port);
    if (fd >= this.size) Atomics.store(this.#words, HIGHEST, fd + 1);
    const generation = controlWord(IDLE, thread, (epochOf(previous) + 1) % EPOCHS);
    Atomics.store(this.#words, at, withState(generation, MOVING));
    return generation;
  }

  /** Ends `admit` or `startMove`: the connection is idle under `generation`, unless its thread was faster. */
  settle(fd: number, generation: Generation): void {
    Atomics.compareExchange(this.#words, this.#at(fd), withState(generation, MOVING), generation);
  }

  /** Takes an idle connection for reading, handling and writing. False: it is not idle under `generation` any more. */
  take(fd: number, generation: Generation): boolean {
    return Atomics.compareExchange(this.#words, this.#at(fd), generation, withState(generation, BUSY)) === generation;
  }

  /**
   * The same for one of which an event under `generation` has come: that shows that it is in its thread's epoll set, so if it
   * has not been settled yet, it may be taken all the same. The event would not come again. False: the event is stale.
   */
  takeReady(fd: number, generation: Generation): boolean {
    return this.take(fd, generation) || this.#takeUnsettled(fd, generation);
  }

  /**
   * Tells the thread of `generation` whether it keeps something for this connection, and so has it already. A plain load: PINNED
   * was written by that thread, or before it was told of the client, and nobody else writes over it.
   */
  isPinned(fd: number, generation: Generation): boolean {
    return this.#words[this.#at(fd)] === withState(generation, PINNED);
  }

  idle(fd: number, generation: Generation): void {
    Atomics.store(this.#words, this.#at(fd), generation);
  }

  pin(fd: number, generation: Generation): void {
    Atomics.store(this.#words, this.#at(fd), withState(generation, PINNED));
  }

  /** Says that whoever has the slot now closes the connection; from here on it is only `free`d. */
  closing(fd: number, generation: Generation): void {
    Atomics.store(this.#words, this.#at(fd), withState(generation, CLOSING));
  }

  /**
   * Gives the slot back, then closes the fd. Not the other way round: `accept` may return the number at once. And not one alone: if
   * the thread ends between the two, nobody closes the fd.
   */
  free(fd: number, generation: Generation, sys: Pick<Sys, 'storeAndClose'>): void {
    sys.storeAndClose(this.#words, this.#at(fd), withState(generation, FREE), fd);
  }

  /**
   * Takes an idle connection away from its thread and returns its generation on `thread`; `undefined`: it is not idle
   * there now. Until it is in the epoll set of `thread` nobody else may touch it.
   */
  startMove(fd: number, generation: Generation, thread: number): Generation | undefined {
    const moved = this.nextGeneration(generation, thread);
    const at = this.#at(fd);
    if (Atomics.compareExchange(this.#words, at, generation, withState(moved, MOVING)) !== generation) return undefined;
    this.#words[at + PORT] = ((this.#words[at + PORT] as number) + (1 << PORT_BITS)) | 0;
    return moved;
  }

  /** The generation that `startMove` to `thread` gives. */
  nextGeneration(generation: Generation, thread: number): Generation {
    return controlWord(IDLE, thread, (epochOf(generation) + 1) % EPOCHS);
  }

  /** Gives a connection that is MOVING, and was to leave, its generation on `thread` for when it is settled there instead. */
  turnBack(fd: number, thread: number): Generation {
    const generation = controlWord(IDLE, thread, (epochOf(this.word(fd)) + 1) % EPOCHS);
    Atomics.store(this.#words, this.#at(fd), withState(generation, MOVING));
    return generation;
  }

  /** Calls `visit` for each connection of `thread` that is in use, with the control word that was seen. */
  forEach(thread: number, visit: (fd: number, word: number) => void): void {
    this.walk(thread, 0, (fd, word) => {
      visit(fd, word);
      return true;
    });
  }

  /** The same from slot `from` on, for as long as `visit` returns true. Returns the slot to go on at; `size`: all were visited. */
  walk(thread: number, from: number, visit: (fd: number, word: number) => boolean): number {
    const size = this.size;
    for (let fd = from; fd < size; fd++) {
      const word = this.word(fd);
      if (stateOf(word) !== FREE && threadOf(word) === thread && !visit(fd, word)) return fd + 1;
    }
    return size;
  }

  /**
   * Writes the fds of idle connections on `thread` into `fds`, from slot `from` on, as far as there is room; returns how many.
   * With `since`, a `sharedTime`: only those that were seen since then. One small loop with plain loads: the caller is in a hurry,
   * has many slots to look at, and runs before this code is compiled.
   */
  listIdle(thread: number, from: number, fds: Int32Array, since?: number): number {
    const { size } = this;
    const words = this.#words;
    const idle = controlWord(IDLE, thread, 0);
    let count = 0;
    for (let fd = from; fd < size && count < fds.length; fd++) {
      const at = (fd + 1) * SLOT_WORDS;
      if (withoutEpoch(words[at] as number) !== idle) continue;
      if (since === undefined || elapsed(since, words[at + LAST_ACTIVITY] as number) >= 0) fds[count++] = fd;
    }
    return count;
  }

  id(fd: number): number {
    const id = this.#doubles[(this.#at(fd) + ID) >> 1] as number;
    return id === (id | 0) ? id | 0 : id; // A small integer takes no memory of its own where it is kept, as a double does.
  }

  /** Whether the client is `id`; cheaper than `id(fd)`. */
  hasId(fd: number, id: number): boolean {
    return this.#doubles[(this.#at(fd) + ID) >> 1] === id;
  }

  port(fd: number): number {
    return (this.#words[this.#at(fd) + PORT] as number) & PORT_MASK;
  }

  /** How often the client has changed threads, modulo 65,536. */
  moves(fd: number): number {
    return (this.#words[this.#at(fd) + PORT] as number) >>> PORT_BITS;
  }

  /** When this process got the client, as a `sharedTime`, to the second; 0: unknown. */
  connectedAt(fd: number): number {
    const seconds = (this.#words[this.#at(fd) + DUE] as number) >>> DUE_BITS;
    return (seconds * 1000) | 0;
  }

  /** Also says that the client is not due. The acceptor's own. */
  setConnectedAt(fd: number, time: number): void {
    this.#words[this.#at(fd) + DUE] = Math.floor((time >>> 0) / 1000) << DUE_BITS;
  }

  /** The client's address, 16 bytes; a copy. */
  address(fd: number): Uint8Array {
    const at = (this.#at(fd) + ADDRESS) * 4;
    return this.#bytes.slice(at, at + 16);
  }

  /** What stands for the framing of the client, in 16 bits; 0: the one that all begin with. */
  mode(fd: number): number {
    return (this.#words[this.#at(fd) + FLAGS] as number) >>> FLAG_BITS;
  }

  setMode(fd: number, mode: number): void {
    this.#words[this.#at(fd) + FLAGS] = (mode << FLAG_BITS) | this.flags(fd);
  }

  /** Says who the client is, where its PROXY header has told. */
  setAddress(fd: number, address: Uint8Array, port: number): void {
    const at = this.#at(fd);
    this.#bytes.set(address, (at + ADDRESS) * 4);
    this.#words[at + PORT] = ((this.#words[at + PORT] as number) & ~PORT_MASK) | port;
  }

  flags(fd: number): number {
    return (this.#words[this.#at(fd) + FLAGS] as number) & FLAG_MASK;
  }

  setFlags(fd: number, flags: number): void {
    const at = this.#at(fd) + FLAGS;
    this.#words[at] = ((this.#words[at] as number) & ~FLAG_MASK) | flags;
  }

  /**
   * Leaves with the connection what is kept for it: bytes without a whole message (of which a decoder has looked at
   * `scanned` in vain), and bytes that are not sent yet.
   */
  save(fd: number, inbox: SavedBytes | undefined, scanned: number, outbox: SavedBytes | undefined): void {
    const at = this.#at(fd);
    this.#setSaved(at + INBOX, inbox);
    this.#setSaved(at + OUTBOX, outbox);
    this.#words[at + SCANNED] = scanned;
  }

  inbox(fd: number): SavedBytes | undefined {
    return this.#saved(this.#at(fd) + INBOX);
  }

  outbox(fd: number): SavedBytes | undefined {
    return this.#saved(this.#at(fd) + OUTBOX);
  }

  scanned(fd: number): number {
    return this.#words[this.#at(fd) + SCANNED] as number;
  }

  /** The block of the arena with what the service and its framing keep with the client; 0: nothing. */
  clientState(fd: number): Block {
    return this.#words[this.#at(fd) + CLIENT_STATE] as number;
  }

  setClientState(fd: number, block: Block): void {
    this.#words[this.#at(fd) + CLIENT_STATE] = block;
  }

  /** What is known of the client's cost. A plain load: who acts on an old value serves one message more, or less. */
  kind(fd: number): ClientKind {
    return this.#words[this.#at(fd) + KIND] as ClientKind;
  }

  /** The acceptor's own. */
  setKind(fd: number, kind: ClientKind): void {
    Atomics.store(this.#words, this.#at(fd) + KIND, kind);
  }

  /** A newcomer was served, and is idle again: it is light, unless the acceptor has just found something else. */
  provedLight(fd: number): void {
    Atomics.compareExchange(this.#words, this.#at(fd) + KIND, NEWCOMER, LIGHT);
  }

  /** What the client had cost by `costAt`, in µs: older costs count less. The acceptor's own, as the next three. */
  cost(fd: number): number {
    return this.#words[this.#at(fd) + COST] as number;
  }

  /** A `sharedTime`. */
  costAt(fd: number): number {
    return this.#words[this.#at(fd) + COST_AT] as number;
  }

  /** What a message of an expensive client costs on average, in µs. */
  meanCost(fd: number): number {
    return this.#words[this.#at(fd) + MEAN] as number;
  }

  setCost(fd: number, cost: number, at: number, mean: number): void {
    const slot = this.#at(fd);
    this.#words[slot + COST] = cost;
    this.#words[slot + COST_AT] = at;
    this.#words[slot + MEAN] = mean;
  }

  /**
   * Begins to give the client back from the thread that has its slot to the waiting room `room`, and returns its generation
   * there. The new generation is claimed before anything else: what the room's epoll set reports under the generation is
   * never taken for a later client's, even if the thread dies in the middle (`docs/internals/protocol.md`).
   */
  startGiveBack(fd: number, generation: Generation, room: number): Generation {
    const at = this.#at(fd);
    const thread = threadOf(generation);
    const epoch = (epochOf(generation) + 1) % EPOCHS;
    this.#words[at + GIVER] = thread + 1;
    Atomics.store(this.#words, at, controlWord(BUSY, thread, epoch));
    return controlWord(IDLE, room, epoch);
  }

  /** Ends `startGiveBack`, by the giver or by the acceptor that was faster: the client is idle under `generation`. */
  endGiveBack(fd: number, thread: number, generation: Generation): void {
    const given = controlWord(BUSY, thread, epochOf(generation));
    Atomics.compareExchange(this.#words, this.#at(fd), given, generation);
  }

  /** Takes `startGiveBack` back, and returns the generation of the client on its own thread, where it is still BUSY. */
  cancelGiveBack(fd: number, thread: number, generation: Generation): Generation {
    this.#words[this.#at(fd) + GIVER] = 0;
    return controlWord(IDLE, thread, epochOf(generation));
  }

  /** Whether the client is idle under `generation`, which its epoll set has reported. */
  isGivenBack(fd: number, generation: Generation): boolean {
    const word = this.word(fd); // One load: between two, its thread may end the giving back.
    if (word === generation) return true;
    if (stateOf(word) !== BUSY || epochOf(word) !== epochOf(generation)) return false;
    this.endGiveBack(fd, threadOf(word), generation);
    return true;
  }

  /** The thread that has given the client back, told once; -1: it was told, or none has. The acceptor's own. */
  takeGiver(fd: number): number {
    const at = this.#at(fd) + GIVER;
    const giver = this.#words[at] as number;
    if (giver !== 0) this.#words[at] = 0;
    return giver - 1;
  }

  /** The same, without taking note of it. */
  giver(fd: number): number {
    return (this.#words[this.#at(fd) + GIVER] as number) - 1;
  }

  /**
   * Before this moment nothing of what the client has sent can have arrived, as `sharedTenths`: it was moved off a thread that had
   * last looked then, and has not been served since. 0: nothing is known.
   */
  arrivedFrom(fd: number): number {
    return this.#words[this.#at(fd) + ARRIVED_FROM] as number;
  }

  /** When that was noted, as `sharedTenths`. */
  movedAt(fd: number): number {
    return this.#words[this.#at(fd) + MOVED_AT] as number;
  }

  setArrivedFrom(fd: number, from: number, movedAt: number): void {
    const at = this.#at(fd);
    this.#words[at + ARRIVED_FROM] = from;
    this.#words[at + MOVED_AT] = movedAt;
  }

  /** What was noted is used, once. */
  forgetArrival(fd: number): void {
    this.#words[this.#at(fd) + ARRIVED_FROM] = 0;
  }

  /** When a byte last came or went, as a `sharedTime`; 0: the client is not idle, whenever that was. */
  lastActivity(fd: number): number {
    return this.#words[this.#at(fd) + LAST_ACTIVITY] as number;
  }

  setLastActivity(fd: number, time: number): void {
    this.#words[this.#at(fd) + LAST_ACTIVITY] = time;
  }

  /** How long the client may be idle, in ms, as its service has said; 0: it has not said so. */
  idleTimeout(fd: number): number {
    return this.#words[this.#at(fd) + IDLE_TIMEOUT] as number;
  }

  setIdleTimeout(fd: number, timeout: number): void {
    this.#words[this.#at(fd) + IDLE_TIMEOUT] = timeout;
    if (timeout === 0 || timeout >= this.shortestIdleTimeout) return;
    Atomics.store(this.#words, SHORTEST_IDLE_TIMEOUT, timeout); // Of two threads at once one may win: it says how often to look, no more.
  }

  /** The shortest `idleTimeout` that any client ever had, in ms; Infinity: none had one. */
  get shortestIdleTimeout(): number {
    return Atomics.load(this.#words, SHORTEST_IDLE_TIMEOUT) || Infinity;
  }

  /** Since when the client has a message begun and not completed, as a `sharedTime`; 0: it has not. */
  messageStartedAt(fd: number): number {
    return this.#words[this.#at(fd) + MESSAGE_STARTED_AT] as number;
  }

  setMessageStartedAt(fd: number, time: number): void {
    this.#words[this.#at(fd) + MESSAGE_STARTED_AT] = time;
  }

  /** Since when the client reads nothing of what waits for it, as a `sharedTime`; 0: nothing waits. */
  writeStalledAt(fd: number): number {
    return this.#words[this.#at(fd) + WRITE_STALLED_AT] as number;
  }

  setWriteStalledAt(fd: number, time: number): void {
    this.#words[this.#at(fd) + WRITE_STALLED_AT] = time;
  }

  /** How many bytes wait for the client because it does not read, as far as the kernel has not got them. */
  unsent(fd: number): number {
    return this.#words[this.#at(fd) + UNSENT] as number;
  }

  setUnsent(fd: number, bytes: number): void {
    this.#words[this.#at(fd) + UNSENT] = bytes;
  }

  /** How many bytes are kept for the client, in all. */
  kept(fd: number): number {
    return this.#words[this.#at(fd) + KEPT] as number;
  }

  /** How many of them are not in the arena: its thread has counted them. */
  keptHere(fd: number): number {
    return this.#words[this.#at(fd) + KEPT_HERE] as number;
  }

  /** `kept`, and `here` of it outside the arena. */
  setKept(fd: number, kept: number, here: number): void {
    const at = this.#at(fd);
    this.#words[at + KEPT] = kept;
    this.#words[at + KEPT_HERE] = here;
  }

  /** More is kept for all clients than may be, and this one is to be closed for it. The acceptor decides. */
  isSurplus(fd: number): boolean {
    return this.#due(fd) === SURPLUS;
  }

  setSurplus(fd: number, isSurplus: boolean): void {
    if (!this.isKicked(fd)) this.#setDue(fd, isSurplus ? SURPLUS : NOT_DUE);
  }

  /** The operator has the client closed. */
  isKicked(fd: number): boolean {
    return this.#due(fd) === KICKED;
  }

  /** The acceptor's own. */
  kick(fd: number): void {
    this.#setDue(fd, KICKED);
  }

  #due(fd: number): number {
    return Atomics.load(this.#words, this.#at(fd) + DUE) & DUE_MASK;
  }

  #setDue(fd: number, due: number): void {
    const at = this.#at(fd) + DUE;
    Atomics.store(this.#words, at, ((this.#words[at] as number) & ~DUE_MASK) | due);
  }

  #takeUnsettled(fd: number, generation: Generation): boolean {
    const moving = withState(generation, MOVING);
    const seen = Atomics.compareExchange(this.#words, this.#at(fd), moving, withState(generation, BUSY));
    return seen === moving || (seen === generation && this.take(fd, generation));
  }

  #saved(at: number): SavedBytes | undefined {
    const words = this.#words;
    const block = words[at] as number;
    if (block === 0) return undefined;
    const capacity = 1 << (block & SIZE_MASK);
    return { block: block >>> SIZE_BITS, capacity, start: words[at + 1] as number, end: words[at + 2] as number };
  }

  #setSaved(at: number, saved: SavedBytes | undefined): void {
    const words = this.#words;
    words[at] = saved === undefined ? 0 : (saved.block << SIZE_BITS) | Math.log2(saved.capacity);
    if (saved === undefined) return;
    words[at + 1] = saved.start;
    words[at + 2] = saved.end;
  }

  #at(fd: number): number {
    return (fd + 1) * SLOT_WORDS;
  }
}
