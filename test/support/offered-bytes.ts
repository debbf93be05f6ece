/** Holds what is handed to `send` to a rule: bytes that the kernel did not take are offered again, first, and as they were. */

const NONE = Buffer.alloc(0);

/** What one socket was offered. */
export class OfferedBytes {
  #owed = NONE;

  /** Takes note that `bytes` were offered, of which the kernel took `taken`; tells what is wrong with them. */
  offer(bytes: Buffer, taken: number): string | undefined {
    const common = Math.min(this.#owed.length, bytes.length);
    const isSame = this.#owed.subarray(0, common).equals(bytes.subarray(0, common));
    const longer = bytes.length > this.#owed.length ? bytes : this.#owed;
    this.#owed = Buffer.from(longer.subarray(taken));
    return isSame ? undefined : `of ${common} bytes that wait to be sent, some have changed`;
  }
}
