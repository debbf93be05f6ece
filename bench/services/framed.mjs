// The reverse service for messages behind a length of four bytes, in the framing that BENCH_FRAMING names: the built-in one, a declared
// length field, or a framing of its own that says how many bytes it needs.
import { defineService } from 'heddle';

const HEAD = 4;

const own = {
  decode(bytes) {
    if (bytes.length < HEAD) return { need: HEAD };
    const length = HEAD + ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]);
    return bytes.length < length ? { need: length } : { message: bytes.slice(HEAD, length), length };
  },
  encode(reply) {
    const frame = Buffer.allocUnsafe(HEAD + reply.length);
    frame.writeUInt32BE(reply.length);
    frame.set(reply, HEAD);
    return frame;
  },
};

const FRAMINGS = { length: 'length', field: { length: { at: 0, size: 4, counts: 'rest' } }, own };

export default defineService({
  framing: FRAMINGS[process.env.BENCH_FRAMING],
  // oxlint-disable-next-line unicorn/no-array-reverse -- bytes that are ours, reversed where they are
  message: (message) => message.reverse(),
});
