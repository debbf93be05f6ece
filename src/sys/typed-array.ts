/** Measures bytes by what they are: a class of the user's, or a property of one object, may say anything of its `length`. */

const prototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** Gives the getter that all typed arrays have. */
function getter(name: 'buffer' | 'byteOffset' | 'byteLength'): { call(bytes: Uint8Array): unknown } {
  return Reflect.get(Object.getOwnPropertyDescriptor(prototype, name) as object, 'get') as () => unknown;
}

const byteLength = getter('byteLength');
const byteOffset = getter('byteOffset');
const buffer = getter('buffer');

/** How many bytes `bytes` has; 0 once they were detached. Throws a TypeError for what is no typed array. */
export function byteLengthOf(bytes: Uint8Array): number {
  return byteLength.call(bytes) as number;
}

/** Where the first byte lies in `memoryOf(bytes)`. */
export function byteOffsetOf(bytes: Uint8Array): number {
  return byteOffset.call(bytes) as number;
}

/** The memory that `bytes` is a view of. */
export function memoryOf(bytes: Uint8Array): ArrayBufferLike {
  return buffer.call(bytes) as ArrayBufferLike;
}
