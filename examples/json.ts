/**
 * A framing of its own: JSON after its length in decimal digits and a colon. `13:{"a":2,"b":3}` is answered
 * with `9:{"sum":5}`.
 *
 *     npx heddle serve examples/json.ts --port 12345
 *     printf '13:{"a":2,"b":3}' | nc -N 127.0.0.1 12345
 */
import { defineService } from 'heddle';

interface Request {
  readonly a: number;
  readonly b: number;
}

const COLON = 58;
const MOST_DIGITS = 7;

export default defineService({
  framing: {
    decode(bytes) {
      const colon = bytes.indexOf(COLON);
      if (colon === -1 && bytes.length <= MOST_DIGITS) return undefined;
      const digits = Buffer.from(bytes.subarray(0, Math.max(0, colon))).toString();
      if (!/^\d{1,7}$/.test(digits)) throw new Error('a message must begin with its length and a colon');
      const length = colon + 1 + Number(digits);
      if (bytes.length < length) return { need: length };
      return { message: readRequest(bytes.subarray(colon + 1, length)), length };
    },
    encode(reply: object) {
      const json = JSON.stringify(reply);
      return Buffer.from(`${Buffer.byteLength(json)}:${json}`);
    },
  },
  message: ({ a, b }: Request) => ({ sum: a + b }),
});

/** An error thrown here closes the client with `bad-frame` and this text. */
function readRequest(bytes: Uint8Array): Request {
  const request: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (typeof request !== 'object' || request === null || !('a' in request) || !('b' in request)) {
    throw new Error('a request is {"a": number, "b": number}');
  }
  const { a, b } = request;
  if (typeof a !== 'number' || typeof b !== 'number') throw new Error('a and b must be numbers');
  return { a, b };
}
