/**
 * LDAP, as a gateway would speak it: messages are TLVs (BER), read with a framing of its own. Everybody may log in, and
 * every search finds one entry: its own base. A client may ask for TLS (StartTLS).
 *
 *     npx heddle serve examples/ldap.ts --tls-cert server.pem --tls-key server.key.pem --tls-start later --port 12345
 *     LDAPTLS_CACERT=server.pem ldapsearch -ZZ -x -H ldap://127.0.0.1:12345 -b cn=ann,dc=example -s base
 *
 * Without the flags for TLS, it refuses StartTLS.
 */
import { type Client, type Decoded, defineService } from 'heddle';

const [INTEGER, STRING, ENUM, SEQUENCE, SET] = [0x02, 0x04, 0x0a, 0x30, 0x31];
const [BIND, UNBIND, SEARCH, EXTENDED, ABANDON] = [0x60, 0x42, 0x63, 0x77, 0x50];
const [BOUND, ENTRY, SEARCHED, EXTENDED_REPLY] = [0x61, 0x64, 0x65, 0x78];
const [SUCCESS, PROTOCOL_ERROR] = [0, 2];
const START_TLS = '1.3.6.1.4.1.1466.20037';
const MAX_LENGTH_BYTES = 4;

/** A tag, a length and a value. */
interface Element {
  readonly tag: number;
  readonly value: Buffer;
  /** With its tag and its length. */
  readonly length: number;
}

interface Request {
  /** The number of the message, as it came. */
  readonly id: Buffer;
  readonly operation: Element;
}

export default defineService({
  framing: {
    decode: ({ buffer, byteOffset, length }: Uint8Array): Decoded<Request> =>
      requestIn(Buffer.from(buffer, byteOffset, length)), // The same memory.
  },
  async session(client: Client<Request>) {
    for await (const { id, operation } of client) {
      const { tag, value } = operation;
      if (tag === UNBIND) return;
      if (tag === BIND) await client.send(reply(id, element(BOUND, ...result(SUCCESS))));
      else if (tag === SEARCH) await client.send(found(id, value));
      else if (tag === EXTENDED) await extend(client, id, value);
      else if (tag !== ABANDON) throw new Error(`there is no operation ${tag}`);
    }
  },
});

async function extend(client: Client<Request>, id: Buffer, value: Buffer): Promise<void> {
  const isStart = elementIn(value)?.value.toString() === START_TLS && client.canStartTls;
  await client.send(reply(id, element(EXTENDED_REPLY, ...result(isStart ? SUCCESS : PROTOCOL_ERROR))));
  if (isStart) await client.startTls();
}

function found(id: Buffer, search: Buffer): Buffer {
  return Buffer.concat([reply(id, entry(search)), reply(id, element(SEARCHED, ...result(SUCCESS)))]);
}

/** What a search finds: an entry with the name of its base. */
function entry(search: Buffer): Buffer {
  const base = elementIn(search)?.value ?? Buffer.alloc(0);
  const attribute = element(SEQUENCE, text('description'), element(SET, text('found by Heddle')));
  return element(ENTRY, element(STRING, base), element(SEQUENCE, attribute));
}

/** A code, no name that matched, no text. */
function result(code: number): Buffer[] {
  return [element(ENUM, Buffer.of(code)), text(''), text('')];
}

function reply(id: Buffer, operation: Buffer): Buffer {
  return element(SEQUENCE, element(INTEGER, id), operation);
}

function text(value: string): Buffer {
  return element(STRING, Buffer.from(value));
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const length = Buffer.alloc(MAX_LENGTH_BYTES);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.of(tag, 0x80 | MAX_LENGTH_BYTES), length, value]);
}

function requestIn(bytes: Buffer): Decoded<Request> {
  const whole = elementIn(bytes);
  if (whole === undefined) return undefined;
  if (whole.tag !== SEQUENCE) throw new Error(`a message begins with ${SEQUENCE}, not with ${whole.tag}`);
  if (bytes.length < whole.length) return { need: whole.length };
  const id = elementIn(whole.value);
  const operation = id && elementIn(whole.value.subarray(id.length));
  if (id?.tag !== INTEGER || operation === undefined) throw new Error('a message has a number and an operation');
  return { message: { id: Buffer.from(id.value), operation: copyOf(operation) }, length: whole.length };
}

/** `bytes` are lent: what is kept of them is copied. */
function copyOf(lent: Element): Element {
  return { ...lent, value: Buffer.from(lent.value) };
}

/** The element at the beginning of `bytes`, of whose value some may not have arrived; `undefined`: its length has not. */
function elementIn(bytes: Buffer): Element | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || size > MAX_LENGTH_BYTES) throw new Error('a length has at most 4 bytes');
  const from = 2 + size;
  if (bytes.length < from) return undefined;
  const length = size === 0 ? first : bytes.readUIntBE(2, size);
  return { tag, value: bytes.subarray(from, from + length), length: from + length };
}
