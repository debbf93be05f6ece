/** Gives memory to the kernel: bytes together with the address that a system call needs. */
import { byteLengthOf, byteOffsetOf, memoryOf } from '../typed-array.ts';
import { Views } from '../views.ts';

/** Finds where the bytes of a view lie; given by the FFI, which this file does not know. */
export type AddressOf = (bytes: Uint8Array) => bigint;

/**
 * Bytes with a fixed address. V8 never moves the memory behind an ArrayBuffer, and `bytes` keeps it alive for as long
 * as this object is held, so an address and an offset are enough for a call: no view has to be made for each one.
 */
export class NativeBuffer {
  readonly bytes: Buffer;
  readonly address: number;
  readonly size: number;
  /** `address` as an object that is there already: a number that large is made anew, on the heap, for each call. */
  readonly #pointer: bigint;
  #views: Views | undefined = undefined;

  /** A Buffer is `bytes` itself; other bytes get one over the same memory. */
  constructor(bytes: Uint8Array, addressOf: AddressOf) {
    const isBuffer = Buffer.isBuffer(bytes);
    this.bytes = isBuffer ? bytes : Buffer.from(memoryOf(bytes), byteOffsetOf(bytes), byteLengthOf(bytes));
    this.size = byteLengthOf(this.bytes);
    this.#pointer = addressOf(this.bytes);
    this.address = Number(this.#pointer);
  }

  /** The address of `bytes[offset]`, for a call. */
  at(offset: number): number | bigint {
    return offset === 0 ? this.#pointer : this.address + offset;
  }

  /** Views of `bytes`; most buffers need none. */
  get views(): Views {
    this.#views ??= new Views(this.bytes);
    return this.#views;
  }
}
