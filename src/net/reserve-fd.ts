/** Keeps one file descriptor in reserve: a socket needs a second one while it is transferred. */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/*
 * Node duplicates the descriptor of a socket that is posted to another thread. Where that fails the message is lost
 * without an error, and the socket with it (Node 24.21 and 26.10).
 */
export class ReserveFd {
  #fd = -1;

  /** Has the file open; false: the process has too many open files. */
  hold(): boolean {
    try {
      if (this.#fd < 0) this.#fd = openSync(devNull, 'r');
      return true;
    } catch {
      return false;
    }
  }

  /** Calls `use` while there is a descriptor for it. False: there is none, it was not called. */
  spend(use: () => void): boolean {
    if (!this.hold()) return false;
    closeSync(this.#fd);
    this.#fd = -1;
    use();
    this.hold();
    return true;
  }
}
