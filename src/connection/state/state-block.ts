/** Says how what is kept with a client lies in its block of the arena: the service's state, and its framing's. */

/*
 * A block begins with a word for each of the two: how many bytes it has, and in which form. The bytes follow, the service's first. Only
 * whoever has the client's slot reads or writes it. If that thread ends in the middle, its client is closed, and nobody reads the
 * block again.
 */

/** How many bytes come before the service's state. */
export const STATE_HEADER_BYTES = 8;

/** The bytes are the state: it is a `Uint8Array`. */
export const AS_BYTES = 0;
/** The bytes are the same as JSON, in UTF-8. */
export const AS_JSON = 1;
/** The bytes are what V8 makes of other values that can be cloned. */
export const AS_CLONE = 2;
/** The bytes are the state: it is a `Buffer`. */
export const AS_BUFFER = 3;
/** There is no state. */
export const AS_NOTHING = 4;
export type StateForm = typeof AS_BYTES | typeof AS_BUFFER | typeof AS_JSON | typeof AS_CLONE | typeof AS_NOTHING;

/** Whose state: its place in the header. */
export const SERVICE = 0;
export const FRAMING = 4;
export type StateOwner = typeof SERVICE | typeof FRAMING;

const FORM_BITS = 3;

export function writeStateHeader(bytes: Buffer, at: number, owner: StateOwner, form: StateForm, length: number): void {
  bytes.writeUInt32LE((length << FORM_BITS) | form, at + owner);
}

export function stateForm(bytes: Buffer, at: number, owner: StateOwner): StateForm {
  return (bytes.readUInt32LE(at + owner) & ((1 << FORM_BITS) - 1)) as StateForm;
}

/** How many bytes the state has. */
export function stateLength(bytes: Buffer, at: number, owner: StateOwner): number {
  return bytes.readUInt32LE(at + owner) >>> FORM_BITS;
}

/** Where the state begins. */
export function stateFrom(bytes: Buffer, at: number, owner: StateOwner): number {
  return at + STATE_HEADER_BYTES + (owner === SERVICE ? 0 : stateLength(bytes, at, SERVICE));
}

/** How many bytes of the block at `at` are in use. */
export function stateBlockLength(bytes: Buffer, at: number): number {
  return stateFrom(bytes, at, FRAMING) + stateLength(bytes, at, FRAMING) - at;
}
