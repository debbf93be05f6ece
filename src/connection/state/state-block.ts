/** Says how the state that a service keeps with a client lies in its block of the arena. */

/*
 * A block begins with one word: how many bytes follow, and in which form. Only whoever has the client's slot reads or writes
 * it. If that thread ends in the middle, its client is closed, and nobody reads the block again.
 */

/** How many bytes come before the state. */
export const STATE_HEADER_BYTES = 4;

/** The bytes are the state: it is a `Uint8Array`. */
export const AS_BYTES = 0;
/** The bytes are the same as JSON, in UTF-8. */
export const AS_JSON = 1;
/** The bytes are the state: it is a `Buffer`. */
export const AS_BUFFER = 3;
/** The bytes are what V8 makes of other values that can be cloned. */
export const AS_CLONE = 2;
export type StateForm = typeof AS_BYTES | typeof AS_BUFFER | typeof AS_JSON | typeof AS_CLONE;

const FORM_BITS = 2;

export function writeStateHeader(bytes: Buffer, at: number, form: StateForm, length: number): void {
  bytes.writeUInt32LE((length << FORM_BITS) | form, at);
}

export function stateForm(bytes: Buffer, at: number): StateForm {
  return (bytes.readUInt32LE(at) & ((1 << FORM_BITS) - 1)) as StateForm;
}

/** How many bytes the state has, without its header. */
export function stateLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) >>> FORM_BITS;
}
