/** Reports that a thread that drains has no client, and will get none. */
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';

/** How often a thread that drains looks whether the last client of the server is gone. */
const DRAIN_SCAN_INTERVAL_MS = 10;

export interface DrainParts {
  readonly row: ThreadRow;
  readonly table: ConnectionTable;
  /** Called when the thread has been told to drain and has no client any more. */
  readonly drained: () => void;
}

/*
 * Any other thread's client may still come to a thread that drains, through the waiting room for one, and nothing tells the
 * thread when the last of them is gone (docs/internals/protocol.md, rule 19): it looks.
 */
export class Drain {
  readonly #parts: DrainParts;
  #isOn = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  begin(): void {
    this.#isOn = true;
  }

  /** Looks now, and again until there is no client. */
  check(): void {
    if (!this.#isOn) return;
    const { drained, row, table } = this.#parts;
    clearTimeout(this.#timer);
    if (row.isEmpty && table.isEmpty) drained();
    else this.#timer = setTimeout(() => this.check(), DRAIN_SCAN_INTERVAL_MS).unref();
  }

  /** Looks when what runs now is done: a client is gone. */
  checkSoon(): void {
    if (this.#isOn) setImmediate(() => this.check());
  }
}
