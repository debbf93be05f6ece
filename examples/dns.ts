/**
 * DNS over TCP: a length of 2 bytes before each message. Every name has the address 192.0.2.1.
 *
 *     npx heddle serve examples/dns.ts --port 12345
 *     dig +tcp +short @127.0.0.1 -p 12345 heddle.example
 */
import { defineService } from 'heddle';

const HEADER_BYTES = 12;
/** A response to a query, with an answer of its own authority. */
const FLAGS = 0x8400;
/** The name of the question, type A, class IN, 60 s, 4 bytes. */
const ANSWER = Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
const TYPE_A = 1;

export default defineService({
  framing: { length: 2 },
  message(query, client) {
    const end = endOfQuestion(query);
    if (end === undefined) {
      client.close();
      return undefined;
    }
    const hasAnswer = query.readUInt16BE(end - 4) === TYPE_A;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(FLAGS | (query.readUInt16BE(2) & 0x0100), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
    return Buffer.concat([header, query.subarray(HEADER_BYTES, end), hasAnswer ? ANSWER : Buffer.alloc(0)]);
  },
});

/** Where the question ends, behind its name, type and class; `undefined`: there is none. */
function endOfQuestion(query: Buffer): number | undefined {
  let at = HEADER_BYTES;
  while (query[at]) at += 1 + (query[at] as number);
  return at + 5 <= query.length ? at + 5 : undefined;
}
