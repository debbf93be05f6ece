/**
 * Syslog over TCP (RFC 6587), in both framings: a length in decimal digits before each record, or a line feed behind it.
 * Prints each record.
 *
 *     npx heddle serve examples/syslog.ts --port 12345
 *     logger --tcp --octet-count --server 127.0.0.1 --port 12345 'it rains'
 */
import { type Decoded, defineService } from 'heddle';

const [LINE_FEED, SPACE, ZERO, NINE] = [10, 32, 48, 57];

export default defineService({
  framing: {
    decode(bytes: Uint8Array, _state: undefined, ended: boolean): Decoded<string> {
      const [first = 0] = bytes;
      return first >= ZERO && first <= NINE ? counted(bytes) : untilLineFeed(bytes, ended);
    },
  },
  message(record: string): undefined {
    console.log(record);
  },
});

function counted(bytes: Uint8Array): Decoded<string> {
  const space = bytes.indexOf(SPACE);
  const digits = text(bytes.subarray(0, space === -1 ? bytes.length : space));
  if (!/^\d{1,6}$/.test(digits))
    throw new Error('a record must begin with its length in at most 6 digits, and a space');
  if (space === -1) return undefined;
  const length = space + 1 + Number(digits);
  return bytes.length < length ? { need: length } : { message: text(bytes.subarray(space + 1, length)), length };
}

/** The end of the input ends the last record. */
function untilLineFeed(bytes: Uint8Array, ended: boolean): Decoded<string> {
  const feed = bytes.indexOf(LINE_FEED);
  if (feed >= 0) return { message: text(bytes.subarray(0, feed)), length: feed + 1 };
  return ended ? { message: text(bytes), length: bytes.length } : undefined;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
