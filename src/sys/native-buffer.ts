/** Used to hand memory to the kernel: bytes together with the address that a system call needs. */

/** Finds where the bytes of a view lie; given by the FFI, which this file does not know. */
export type AddressOf = (bytes: Uint8Array) => number;

/**
 * Bytes with a fixed address. V8 never moves the memory behind an ArrayBuffer, and `bytes` keeps it alive for as long
 * as this object is held, so an address and an offset are enough for a call: no view has to be made for each one.
 */
export class NativeBuffer {
  readonly bytes: Buffer;
  readonly address: number;
  readonly size: number;

  constructor(bytes: Buffer, addressOf: AddressOf) {
    this.bytes = bytes;
    this.size = bytes.length;
    this.address = addressOf(bytes);
  }
}
