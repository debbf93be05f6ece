/** Keeps the account of each reload until all its old threads have ended. */
import type { Deploy } from '../../log/event.ts';
import type { ClientFlow, ThreadBoard } from '../../sharing/thread-board.ts';

/** How long the idle clients of a thread that does not end may take to leave it, in ms. */
const LOST_MS = 1000;

interface Account {
  /** In `performance.now()` ms. */
  readonly since: number;
  readonly threads: number;
  /** The old threads that have not ended, with their flow as the reload began. */
  readonly left: Map<number, ClientFlow>;
  clients: number;
  moved: number;
  stayed: number;
  dropped: number;
}

/*
 * Threads close clients while main reads their counters, so a count of clients that main takes as a reload begins may be off by one. But
 * who came to a thread and who left it is counted apart, and once the thread has ended nobody writes either. So the clients that were there
 * are all that ever came, less those that had left: the sum is right to the client, or somebody was not counted.
 */
export class ReloadAccounts {
  readonly #board: Pick<ThreadBoard, 'row'>;
  readonly #done: (deploy: Deploy) => void;
  #accounts: Account[] = [];
  /** How many clients more have come to a thread than have left it, as it last ended: they were told of once. */
  readonly #missing = new Map<number, number>();

  constructor(board: Pick<ThreadBoard, 'row'>, done: (deploy: Deploy) => void) {
    this.#board = board;
    this.#done = done;
  }

  /** New code serves: the clients of `threads` leave these. The reload began at `since`, in `performance.now()` ms. */
  begin(threads: readonly number[], since: number): void {
    const left = new Map(threads.map((thread) => [thread, this.#board.row(thread).flow]));
    this.#accounts.push({ since, threads: threads.length, left, clients: 0, moved: 0, stayed: 0, dropped: 0 });
  }

  /**
   * The acceptor sends no client to `thread` any more. Until then clients may move from one old thread to another, and are none that leave:
   * `flow` is who had come and gone before.
   */
  retires(thread: number, flow: ClientFlow): void {
    const account = this.#accounts.find(({ left }) => left.has(thread));
    account?.left.set(thread, flow);
  }

  /** What `thread`, which has ended, had is dealt with. */
  ended(thread: number): void {
    const { came, dropped, ended, moved } = this.#board.row(thread).flow;
    const known = this.#missing.get(thread) ?? 0;
    this.#missing.set(thread, came - moved - ended - dropped);
    const account = this.#accounts.find(({ left }) => left.has(thread));
    const before = account?.left.get(thread);
    if (account === undefined || before === undefined) return;
    account.clients += came - known - before.moved - before.ended - before.dropped;
    account.moved += moved - before.moved;
    account.stayed += ended - before.ended;
    account.dropped += dropped - before.dropped;
    account.left.delete(thread);
    if (account.left.size === 0) this.#close(account);
  }

  /** `thread` was told to end and does not. Its clients were cut off, but for the idle ones, which are leaving it. */
  lost(thread: number): void {
    setTimeout(() => this.ended(thread), LOST_MS).unref();
  }

  #close(account: Account): void {
    this.#accounts = this.#accounts.filter((other) => other !== account);
    const { left: _left, since, ...sums } = account;
    const ms = Math.round(performance.now() - since);
    this.#done({ time: Date.now(), kind: 'reload', result: 'success', ms, ...sums });
  }
}
