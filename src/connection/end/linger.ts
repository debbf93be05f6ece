/** Decides how long a connection stays open once all is sent: closed too early, it takes the last reply away from its client. */

/*
 * After the end of the stream is sent the socket stays open, since the kernel answers what a client sends to a closed one
 * with a reset, and drops what that client has not taken yet (RFC 9112, section 9.6, tells the same of HTTP). The server
 * reads on and drops what comes, until the client has taken everything and has had time to notice the end.
 */

/** How often a connection is looked at, and how long a client must be quiet, in ms. */
export const LINGER_MS = 1000;

/** A client that has taken everything and goes on sending is closed after this long, in ms. */
const MAX_LINGER_MS = 10_000;

/** Says why a client is closed that has yet to take `bytes`. */
export function unreadText(bytes: number): string {
  return `${bytes} bytes wait for it that it does not read`;
}

/** What is to become of a connection: the client has more to take, or has taken all, or has stopped taking. */
export type LingerState = 'wait' | 'done' | 'stuck';

export class Linger {
  /** How many bytes the client had yet to take when that was asked last; see `Sys.unsent`. */
  unsent: number;
  readonly #sendTimeout: number;
  /** When the client last took something, and when it last sent something. */
  #tookAt: number;
  #heardAt: number;

  /** `now` and `sendTimeout` are in ms, as are all times here. */
  constructor(now: number, unsent: number, sendTimeout: number) {
    this.unsent = unsent;
    this.#sendTimeout = sendTimeout;
    this.#tookAt = now;
    this.#heardAt = now;
  }

  /** Takes note that the client has sent something. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** Tells how things stand at `now`, when the client has yet to take `unsent` bytes. */
  look(now: number, unsent: number): LingerState {
    if (unsent !== this.unsent) this.#tookAt = now;
    this.unsent = unsent;
    if (unsent > 0) return now - this.#tookAt >= this.#sendTimeout ? 'stuck' : 'wait';
    const isQuiet = now - this.#heardAt >= LINGER_MS;
    return isQuiet || now - this.#tookAt >= Math.min(MAX_LINGER_MS, this.#sendTimeout) ? 'done' : 'wait';
  }
}
