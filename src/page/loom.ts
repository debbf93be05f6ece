/** Follows clients from thread to thread: what is drawn as a cloth, with a lane for each thread and a line for each client. */
import type { Frame } from '../admin/view/frames.ts';

/** A client on one thread, from one moment to another, in ms since 1970. */
export interface Run {
  readonly client: number;
  readonly thread: number;
  /** The client's place among those of its thread, from 0; it keeps it while it stays. */
  readonly slot: number;
  readonly from: number;
  to: number;
  /** The client has gone on to another thread. */
  isLeft?: boolean;
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
  to: number;
  readonly client: number | undefined;
}

/** Two blocks whose beginnings are further apart are not the same one, in ms. */
const SAME_BLOCK_MS = 200;

export class Loom {
  runs: Run[] = [];
  moves: Move[] = [];
  blocks: BlockedSpan[] = [];
  /** The run that each client is on now. */
  readonly #open = new Map<number, Run>();
  readonly #openBlocks = new Map<number, BlockedSpan>();
  /** Which slots of each thread are taken. */
  readonly #taken = new Map<number, Set<number>>();
  /** When each thread was last there. */
  readonly #threads = new Map<number, number>();

  /** The threads of the time that is kept, in order; at the end 0, if clients were in the waiting room. */
  get threads(): number[] {
    return [...this.#threads.keys()].sort((one, other) => (one || Infinity) - (other || Infinity));
  }

  get clients(): number {
    return this.#open.size;
  }

  isBlocked(thread: number): boolean {
    return this.#openBlocks.has(thread);
  }

  add({ blocks, places, threads, time }: Frame): void {
    for (const thread of threads) this.#threads.set(thread, time);
    const left = new Map(this.#open);
    const movers: (readonly [client: number, thread: number])[] = [];
    for (const [client, thread] of places) {
      const run = left.get(client);
      left.delete(client);
      if (run?.thread === thread) run.to = time;
      else movers.push([client, thread]);
      if (thread === 0) this.#threads.set(0, time);
    }
    for (const run of left.values()) this.#end(run);
    this.#move(movers, time);
    this.#block(blocks, time);
  }

  /** Forgets what was over before `time`. */
  forget(time: number): void {
    this.runs = this.runs.filter((run) => run.to >= time || this.#open.get(run.client) === run);
    this.moves = this.moves.filter(({ at }) => at >= time);
    this.blocks = this.blocks.filter((block) => block.to >= time);
    for (const [thread, last] of this.#threads) if (last < time) this.#threads.delete(thread);
  }

  /** All places are given up before any is taken: two clients may change places. */
  #move(movers: readonly (readonly [client: number, thread: number])[], time: number): void {
    const before = new Map(movers.map(([client]) => [client, this.#open.get(client)]));
    for (const run of before.values()) if (run !== undefined) this.#end(run);
    for (const [client, thread] of movers) {
      const run: Run = { client, thread, slot: this.#takeSlot(thread), from: time, to: time };
      this.#open.set(client, run);
      this.runs.push(run);
      const last = before.get(client);
      if (last === undefined) continue;
      [last.to, last.isLeft] = [time, true];
      this.moves.push({ at: time, from: last, to: run });
    }
  }

  #end({ client, slot, thread }: Run): void {
    this.#open.delete(client);
    this.#taken.get(thread)?.delete(slot);
  }

  #takeSlot(thread: number): number {
    const taken = this.#taken.get(thread) ?? new Set();
    this.#taken.set(thread, taken);
    let slot = 0;
    while (taken.has(slot)) slot++;
    taken.add(slot);
    return slot;
  }

  #block(blocks: Frame['blocks'], time: number): void {
    const over = new Set(this.#openBlocks.keys());
    for (const { client, ms, thread } of blocks) {
      const open = this.#openBlocks.get(thread);
      over.delete(thread);
      if (open !== undefined && Math.abs(time - ms - open.from) <= SAME_BLOCK_MS) {
        open.to = time;
        continue;
      }
      const block: BlockedSpan = { thread, from: time - ms, to: time, client };
      this.#openBlocks.set(thread, block);
      this.blocks.push(block);
    }
    for (const thread of over) this.#openBlocks.delete(thread);
  }
}
