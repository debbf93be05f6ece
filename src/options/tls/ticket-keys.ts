/** Makes the keys that TLS session tickets are sealed with, anew each day. */

import { randomBytes } from 'node:crypto';

/** As long as OpenSSL wants them, in bytes. */
const KEY_BYTES = 48;

/**
 * How long keys are used, in ms. Whoever finds them out can read the sessions that were resumed with their tickets
 * (RFC 8446, appendix C.4), so they should not be those of last month.
 */
const LIFETIME_MS = 24 * 3_600_000;

export function newTicketKeys(): Uint8Array {
  return randomBytes(KEY_BYTES);
}

/** Calls `give` with new keys each day; gives a function that stops it. */
export function renewTicketKeys(give: (keys: Uint8Array) => void): () => void {
  const timer = setInterval(() => give(newTicketKeys()), LIFETIME_MS);
  timer.unref();
  return () => clearInterval(timer);
}
