/** Knows how many bytes are kept for all clients together, and how many may be. */
import type { Arena } from './arena.ts';
import type { ThreadBoard } from './thread-board.ts';

export class MemoryAccount {
  /** How many bytes may be kept. */
  readonly limit: number;
  readonly #board: ThreadBoard;
  readonly #arena: Arena;

  constructor(board: ThreadBoard, arena: Arena, limit: number) {
    this.#board = board;
    this.#arena = arena;
    this.limit = limit;
  }

  /** Has threads close clients for which `bytes` or more are kept, while there is an excess; 0: none. The acceptor's. */
  limitEach(bytes: number): void {
    this.#arena.surplus = bytes;
  }

  /** Whether `bytes` are too much for one client: more is kept for all than may be, and it is among the largest. */
  isSurplus(bytes: number): boolean {
    const { surplus } = this.#arena;
    return surplus !== 0 && bytes >= surplus && this.excess > 0;
  }

  /** How many bytes are kept beyond the limit, in the arena and by each thread; below 0: there is room. */
  get excess(): number {
    return this.#board.rows.reduce((sum, row) => sum + row.kept, this.#arena.used - this.limit);
  }
}
