/**
 * SNMP over TCP (RFC 3430). Messages are TLVs (BER): each says its own length, in one byte or several. Every value is who asks for it.
 *
 *     npx heddle serve examples/snmp.ts --port 12345
 *     snmpget -v 2c -c public tcp:127.0.0.1:12345 1.3.6.1.2.1.1.4.0
 */
import { type Decoded, defineService } from 'heddle';

const [INTEGER, STRING, SEQUENCE] = [0x02, 0x04, 0x30];
const [GET, RESPONSE] = [0xa0, 0xa2];
const MAX_LENGTH_BYTES = 4;

/** A tag, a length and a value. */
interface Element {
  readonly tag: number;
  readonly value: Buffer;
  /** All of it. */
  readonly bytes: Buffer;
}

export default defineService({
  framing: {
    decode(arrived: Uint8Array): Decoded<Buffer> {
      const bytes = Buffer.from(arrived.buffer, arrived.byteOffset, arrived.length); // The same memory.
      if (bytes[0] !== SEQUENCE) throw new Error(`a message begins with ${SEQUENCE}, not with ${bytes[0]}`);
      const length = lengthAt(bytes, 0);
      if (length === undefined) return undefined;
      return bytes.length < length ? { need: length } : { message: Buffer.from(bytes.subarray(0, length)), length };
    },
  },
  message(message: Buffer, client) {
    const [version, community, request] = partsOf(elementAt(message, 0));
    const [id, , , bindings] = partsOf(request);
    if (request?.tag !== GET) throw new Error(`it takes no request but ${GET}, got ${request?.tag}`);
    const value = tlv(STRING, Buffer.from(client.remoteAddress));
    const answers = partsOf(bindings).map((binding) => tlv(SEQUENCE, partsOf(binding)[0], value));
    const zero = tlv(INTEGER, Buffer.of(0)); // No error, at no place.
    return tlv(SEQUENCE, version, community, tlv(RESPONSE, id, zero, zero, tlv(SEQUENCE, ...answers)));
  },
});

function partsOf(element: Element | undefined): Element[] {
  const parts: Element[] = [];
  const { value } = element ?? { value: Buffer.alloc(0) };
  for (let at = 0; at < value.length; at += (parts.at(-1) as Element).bytes.length) parts.push(elementAt(value, at));
  return parts;
}

function elementAt(bytes: Buffer, at: number): Element {
  const length = lengthAt(bytes, at);
  if (length === undefined || bytes.length < at + length) throw new Error('a part is longer than its whole');
  const whole = bytes.subarray(at, at + length);
  return { tag: whole[0] as number, value: whole.subarray(2 + sizeOf(whole[1] as number)), bytes: whole };
}

/** How long the element at `at` is, with its tag and its length; `undefined`: its length has not arrived. */
function lengthAt(bytes: Buffer, at: number): number | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  const size = sizeOf(first);
  if (size === 0) return 2 + first;
  return bytes.length < at + 2 + size ? undefined : 2 + size + bytes.readUIntBE(at + 2, size);
}

/** In how many bytes a length is said behind its `first` one. */
function sizeOf(first: number): number {
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || size > MAX_LENGTH_BYTES) throw new Error('a length has at most 4 bytes');
  return size;
}

function tlv(tag: number, ...parts: readonly (Buffer | Element | undefined)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : (part?.bytes ?? Buffer.alloc(0)))));
  const length = Buffer.alloc(MAX_LENGTH_BYTES);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.of(tag, 0x80 | MAX_LENGTH_BYTES), length, value]);
}
