/** Remembers what has blocked threads: the code of blocks that go on, and blocks that are over, grouped by their code. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CodeBlocks } from '../admin/observed.ts';
import type { EndedBlock } from '../supervisor/block-log.ts';

/** So many groups are kept; the one that was least harm goes first. */
const MOST_GROUPS = 64;

/** How often the code of a block is looked for while it goes on, and how long after the last time, in ms. */
const TRIES = 5;
const AGAIN_MS = 600;

interface Block {
  code?: string;
  isOver?: boolean;
  found?: Promise<void>;
}

/** Finds the code that the thread runs now; `undefined`: it is not known. */
export type FindCode = (thread: number) => Promise<string | undefined>;

export class BlockJournal {
  readonly #findCode: FindCode;
  /** The last long block of each thread, by its number. */
  readonly #blocks = new Map<number, Block>();
  readonly #groups = new Map<string | undefined, CodeBlocks>();

  constructor(findCode: FindCode) {
    this.#findCode = findCode;
  }

  /** A thread has been blocked for long: looks for the code that does it. */
  begun(thread: number): void {
    const block: Block = {};
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

  /** The code of the last long block of the thread, if it is known. */
  codeOf(thread: number): string | undefined {
    return this.#blocks.get(thread)?.code;
  }

  /** That block is over. Its code may be found a moment later. */
  async ended({ client, moved, ms, thread }: EndedBlock): Promise<void> {
    const block = this.#blocks.get(thread);
    if (block !== undefined) block.isOver = true;
    await block?.found;
    const code = block?.code;
    const before = this.#groups.get(code);
    this.#groups.set(code, {
      ...(code !== undefined && { code }),
      count: (before?.count ?? 0) + 1,
      longestMs: Math.max(before?.longestMs ?? 0, ms),
      totalMs: (before?.totalMs ?? 0) + ms,
      moved: (before?.moved ?? 0) + moved,
      ...(client !== undefined && { client }),
    });
    if (this.#groups.size > MOST_GROUPS) this.#drop();
  }

  /** All groups, that of the longest block first. */
  get codes(): CodeBlocks[] {
    return [...this.#groups.values()].sort((one, other) => other.longestMs - one.longestMs);
  }

  #drop(): void {
    const least = this.codes.at(-1);
    if (least !== undefined) this.#groups.delete(least.code);
  }
}
