// Bytes in which nothing can be lost, doubled or exchanged without their hash telling: letters whose order does not repeat soon.
const PERIOD = 8191;

let state = 1;
const period = Buffer.from(
  Array.from({ length: PERIOD }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return 97 + ((state >>> 16) % 26);
  }),
);

/** So many bytes of it. */
export function pattern(size) {
  return Buffer.alloc(size, period);
}
