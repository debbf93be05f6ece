/** Remembers what has blocked threads: the code of blocks that go on, and blocks that are over, grouped by their code. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CodeBlocks } from '../../admin/observed.ts';
import type { Code } from '../../admin/stacks/source-place.ts';
import { elapsed } from '../../sharing/clock.ts';
import type { EndedBlock } from '../../supervisor/block-log.ts';
import { LastHour } from './last-hour.ts';

/** So many groups are kept; the one that was least harm goes first. */
const MOST_GROUPS = 64;

/** How often the code of a block is looked for while it goes on, and how long after the last time, in ms. */
const TRIES = 5;
const AGAIN_MS = 600;

/** How far the start of a block may be from what is said of it, in ms: two long blocks of one thread begin further apart. */
const SAME_BLOCK_MS = 50;

interface Block {
  /** When it began, as a `sharedTime`. */
  readonly since: number;
  code?: Code;
  isOver?: boolean;
  found?: Promise<void>;
}

/** Blocks that were in the same code, so far. */
interface Group extends Omit<CodeBlocks, 'lastHour'> {
  readonly recent: LastHour;
}

/** Finds the code that the thread runs now; `undefined`: it is not known. */
export type FindCode = (thread: number) => Promise<Code | undefined>;

export class BlockJournal {
  readonly #findCode: FindCode;
  /** The last long block of each thread, by its number. */
  readonly #blocks = new Map<number, Block>();
  readonly #groups = new Map<string | undefined, Group>();

  constructor(findCode: FindCode) {
    this.#findCode = findCode;
  }

  /** A thread has been blocked for long, since `since`: looks for the code that does it. */
  begun(thread: number, since: number): void {
    const block: Block = { since };
    this.#blocks.set(thread, block);
    block.found = this.#find(thread, block);
  }

  /** Another thread may be looked at just now, or this one be in native code: then once more. */
  async #find(thread: number, block: Block): Promise<void> {
    for (let tries = 0; tries < TRIES && block.code === undefined && block.isOver !== true; tries++) {
      if (tries > 0) await delay(AGAIN_MS, undefined, { ref: false });
      const code = await this.#findCode(thread);
      if (code !== undefined) block.code = code;
    }
  }

  /** The code of the block of the thread that began at about `since`, if it is known: not that of the block before. */
  codeOf(thread: number, since: number): Code | undefined {
    const block = this.#blocks.get(thread);
    return block !== undefined && Math.abs(elapsed(since, block.since)) <= SAME_BLOCK_MS ? block.code : undefined;
  }

  /** That block is over. Its code may be found a moment later. */
  async ended({ client, moved, ms, thread }: EndedBlock): Promise<void> {
    const block = this.#blocks.get(thread);
    if (block !== undefined) block.isOver = true;
    await block?.found;
    const code = block?.code?.code;
    const before = this.#groups.get(code);
    const recent = before?.recent ?? new LastHour();
    recent.add(1, performance.now());
    this.#groups.set(code, {
      ...(code !== undefined && { code }),
      count: (before?.count ?? 0) + 1,
      recent,
      longestMs: Math.max(before?.longestMs ?? 0, ms),
      totalMs: (before?.totalMs ?? 0) + ms,
      moved: (before?.moved ?? 0) + moved,
      ...(client !== undefined && { client }),
    });
    if (this.#groups.size > MOST_GROUPS) this.#drop(code);
  }

  /** All groups, that of the longest block first. */
  get codes(): CodeBlocks[] {
    const now = performance.now();
    const all = [...this.#groups.values()].map((group) => shown(group, now));
    return all.sort((one, other) => other.longestMs - one.longestMs);
  }

  /** The newest group stays: else nothing new would ever be counted. */
  #drop(newest: string | undefined): void {
    const least = this.codes.findLast(({ code }) => code !== newest);
    if (least !== undefined) this.#groups.delete(least.code);
  }
}

function shown({ recent, ...blocks }: Group, now: number): CodeBlocks {
  return { ...blocks, lastHour: recent.total(now) };
}
