/** Follows clients from thread to thread: what is drawn as a cloth, with a lane for each thread and a line for each client. */
import type { Place } from '../control/places.ts';
import type { Frame, LoomState, Span } from './frames.ts';

/** A client on one thread, from one moment to another, in ms since 1970. */
export interface Run {
  readonly client: number;
  readonly thread: number;
  /** The client's place among those of its thread, from 0; it keeps it while it stays. */
  readonly slot: number;
  readonly from: number;
  /** Infinity: it goes on. */
  to: number;
  /** The client has gone on to another thread. */
  isLeft: boolean;
}

/** A client that changed threads. */
export interface Move {
  readonly at: number;
  readonly from: Run;
  readonly to: Run;
}

/** A thread that was blocked. */
export interface BlockedSpan {
  readonly thread: number;
  readonly from: number;
  /** Infinity: it goes on. */
  to: number;
  readonly client: number | undefined;
}

/** Two blocks whose beginnings are further apart are not the same one, in ms. */
const SAME_BLOCK_MS = 200;
/** Of clients that come and go all the time, not all runs are kept. */
const MOST_RUNS = 20_000;

const endOf = ({ to }: Run): number => to;
const timeOf = ({ at }: Move): number => at;

/** What there was between two moments. */
export interface LoomWindow {
  readonly runs: readonly Run[];
  readonly moves: readonly Move[];
  readonly blocks: readonly BlockedSpan[];
}

export class Loom {
  moves: Move[] = [];
  blocks: BlockedSpan[] = [];
  /** In the order in which they ended: those of a window are found without a look at all of them. */
  readonly #ended: Run[] = [];
  /** The run that each client is on now. */
  readonly #open = new Map<number, Run>();
  readonly #openBlocks = new Map<number, BlockedSpan>();
  /** Which slots of each thread are taken. */
  readonly #taken = new Map<number, Set<number>>();
  /** When each thread was there first and last. */
  readonly #threads = new Map<number, Span>();
  #time = 0;

  /** A loom goes on where another one was. */
  static from({ blocks, moves, runs, threads, time }: LoomState): Loom {
    const loom = new Loom();
    loom.#time = time;
    for (const [thread, span] of threads) loom.#threads.set(thread, span);
    const all = runs.map(([client, thread, slot, from, to, isLeft]) => {
      const run: Run = { client, thread, slot, from, to: to ?? Infinity, isLeft: isLeft === 1 };
      if (to === null) loom.#begin(run);
      else loom.#ended.push(run);
      return run;
    });
    loom.moves = moves.map(([at, from, to]) => ({ at, from: all[from] as Run, to: all[to] as Run }));
    loom.blocks = blocks.map(([thread, from, to, client]) => {
      const block = { thread, from, to: to ?? Infinity, client: client ?? undefined };
      if (to === null) loom.#openBlocks.set(thread, block);
      return block;
    });
    return loom;
  }

  /** Those that are over, and then those that go on. */
  get runs(): readonly Run[] {
    return [...this.#ended, ...this.#open.values()];
  }

  get state(): LoomState {
    const { runs } = this;
    const indexes = new Map(runs.map((run, index) => [run, index]));
    const end = (to: number): number | null => (to === Infinity ? null : to);
    return {
      time: this.#time,
      threads: [...this.#threads],
      runs: runs.map(({ client, from, isLeft, slot, thread, to }) => {
        return [client, thread, slot, from, end(to), isLeft ? 1 : 0];
      }),
      moves: this.moves.map(({ at, from, to }) => [at, indexes.get(from) as number, indexes.get(to) as number]),
      blocks: this.blocks.map(({ client, from, thread, to }) => [thread, from, end(to), client ?? null]),
    };
  }

  /** The threads that there were between two moments, in order; at the end 0, if clients were in the waiting room. */
  threads(from: number, to: number): number[] {
    const there = [...this.#threads].filter(([, [first, last]]) => last >= from && first <= to);
    return there.map(([thread]) => thread).sort((one, other) => (one || Infinity) - (other || Infinity));
  }

  /** What there was at some moment of these, the last one included. */
  within(from: number, to: number): LoomWindow {
    const isSeen = (span: { readonly from: number; readonly to: number }): boolean =>
      span.from <= to && span.to >= from;
    const ended = this.#ended.slice(indexFrom(this.#ended, endOf, from));
    return {
      runs: [...ended, ...this.#open.values()].filter(isSeen),
      moves: this.moves.slice(indexFrom(this.moves, timeOf, from)).filter(({ at }) => at <= to),
      blocks: this.blocks.filter(isSeen),
    };
  }

  /** The oldest moment that is known of. */
  get since(): number {
    return Math.min(this.#time, ...[...this.#threads.values()].map(([first]) => first));
  }

  get clients(): number {
    return this.#open.size;
  }

  /** What has changed if `places` are those of all clients. */
  changes(places: readonly Place[]): Pick<Frame, 'moved' | 'left'> {
    const here = new Set(places.map(([client]) => client));
    const moved = places.filter(([client, thread]) => this.#open.get(client)?.thread !== thread);
    return { moved, left: [...this.#open.keys()].filter((client) => !here.has(client)) };
  }

  add({ blocks, left, moved, threads, time }: Frame): void {
    for (const thread of threads) this.#see(thread, time);
    for (const client of left) this.#leave(client);
    this.#move(moved, time);
    if ((this.#taken.get(0)?.size ?? 0) > 0) this.#see(0, time);
    this.#block(blocks, time);
    this.#time = time;
    const oldest = this.#ended.at(-MOST_RUNS);
    if (oldest !== undefined) this.forget(oldest.to);
  }

  /** Forgets what was over before `time`. */
  forget(time: number): void {
    this.#ended.splice(0, indexFrom(this.#ended, endOf, time));
    this.moves.splice(0, indexFrom(this.moves, timeOf, time));
    this.blocks = this.blocks.filter((block) => block.to >= time);
    for (const [thread, [, last]] of this.#threads) if (last < time) this.#threads.delete(thread);
  }

  #see(thread: number, time: number): void {
    this.#threads.set(thread, [this.#threads.get(thread)?.[0] ?? time, time]);
  }

  #leave(client: number): void {
    const run = this.#open.get(client);
    if (run === undefined) return;
    this.#end(run, this.#time);
  }

  /** All places are given up before any is taken: two clients may change places. */
  #move(movers: readonly Place[], time: number): void {
    const before = new Map(movers.map(([client]) => [client, this.#open.get(client)]));
    for (const run of before.values()) if (run !== undefined) this.#end(run, time);
    for (const [client, thread] of movers) {
      const run: Run = { client, thread, slot: this.#freeSlot(thread), from: time, to: Infinity, isLeft: false };
      this.#begin(run);
      const last = before.get(client);
      if (last === undefined) continue;
      last.isLeft = true;
      this.moves.push({ at: time, from: last, to: run });
    }
  }

  #begin(run: Run): void {
    this.#open.set(run.client, run);
    const taken = this.#taken.get(run.thread) ?? new Set();
    this.#taken.set(run.thread, taken.add(run.slot));
  }

  #end(run: Run, time: number): void {
    run.to = time;
    this.#ended.push(run);
    this.#open.delete(run.client);
    this.#taken.get(run.thread)?.delete(run.slot);
  }

  #freeSlot(thread: number): number {
    const taken = this.#taken.get(thread);
    let slot = 0;
    while (taken?.has(slot) === true) slot++;
    return slot;
  }

  #block(blocks: Frame['blocks'], time: number): void {
    const over = new Map(this.#openBlocks);
    for (const { client, ms, thread } of blocks) {
      const open = over.get(thread);
      if (open !== undefined && Math.abs(time - ms - open.from) <= SAME_BLOCK_MS) {
        over.delete(thread);
        continue;
      }
      if (open !== undefined) open.to = this.#time;
      const block: BlockedSpan = { thread, from: time - ms, to: Infinity, client };
      this.#openBlocks.set(thread, block);
      this.blocks.push(block);
      over.delete(thread);
    }
    for (const [thread, block] of over) {
      block.to = Math.max(block.from, this.#time);
      this.#openBlocks.delete(thread);
    }
  }
}

/** The index of the first of `items`, which are in the order of their times, whose time is not before `time`. */
function indexFrom<T>(items: readonly T[], timeOfItem: (item: T) => number, time: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOfItem(items[middle] as T) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
