/** Tells whether the end of a TLS stream is the other side's own word (close_notify), or only that of the connection below it. */
import type { Socket } from 'node:net';

/*
 * Anybody on the way can end the connection below TLS, and so make a part of a message look like the whole (RFC 8446, section
 * 6.1). Node reports the end in the same way for both, and has no call that tells which it was. But the two differ in how the
 * end comes: that of close_notify comes out of bytes that were read, and the socket below is read on; after the end of the
 * socket itself libuv reads it no more. So uv_read_start answers UV_EALREADY for the first, and 0 for the second.
 */

/** What is used of Node's own handles. */
interface TlsHandle {
  readonly reading?: boolean;
  readonly _parent?: { readStart(): number; readStop(): number };
}

/** Whether the end that Node pushes into `socket` right now came without close_notify. */
export function isCutShort(socket: Socket): boolean {
  const { _handle: handle } = socket as Socket & { readonly _handle?: TlsHandle | null };
  const { reading, _parent: below } = handle ?? {};
  // Who pauses gets no end from below: it came out of the bytes that were read together with those at which it paused.
  if (below === undefined || reading === false) return false;
  if (below.readStart() !== 0) return false;
  below.readStop();
  return true;
}
