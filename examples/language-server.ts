/**
 * The base protocol of language servers: a head that says the length of a JSON body. Every request gets its own method
 * as result.
 *
 *     npx heddle serve examples/language-server.ts --port 12345
 *     printf 'Content-Length: 27\r\n\r\n{"id":1,"method":"greeted"}' | nc -N 127.0.0.1 12345
 */
import { defineService } from 'heddle';

const BLANK_LINE = '\r\n\r\n';

export default defineService({
  framing: {
    head: BLANK_LINE,
    length: (head) => Number(/^Content-Length: *(\d+)/im.exec(head)?.[1]),
  },
  message(frame) {
    const body = frame.subarray(frame.indexOf(BLANK_LINE) + BLANK_LINE.length);
    const { id, method } = JSON.parse(body.toString()) as { readonly id?: number; readonly method?: string };
    if (id === undefined) return undefined; // A notification.
    const reply = JSON.stringify({ jsonrpc: '2.0', id, result: method });
    return `Content-Length: ${Buffer.byteLength(reply)}${BLANK_LINE}${reply}`;
  },
});
