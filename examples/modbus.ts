/**
 * Modbus TCP: the length of a frame is in its bytes 4 and 5. Answers function 3 (read holding registers): each register
 * holds its own number.
 *
 *     npx heddle serve examples/modbus.ts --port 12345
 *     mbpoll -m tcp -p 12345 -t 4 -r 1 -c 3 -1 127.0.0.1
 */
import { defineService } from 'heddle';

const HEADER_BYTES = 7;
const READ_REGISTERS = 3;
const MAX_REGISTERS = 125;
const ILLEGAL_FUNCTION = 1;
const ILLEGAL_VALUE = 3;

export default defineService({
  framing: { length: { at: 4, size: 2, message: 'frame' } },
  message(request) {
    const asked = request[HEADER_BYTES];
    if (asked !== READ_REGISTERS) return reply(request, [(asked ?? 0) | 0x80, ILLEGAL_FUNCTION]);
    const [first, count] = request.length === 12 ? [request.readUInt16BE(8), request.readUInt16BE(10)] : [0, 0];
    if (count < 1 || count > MAX_REGISTERS) return reply(request, [asked | 0x80, ILLEGAL_VALUE]);
    const registers = Array.from({ length: count }, (_, index) => [(first + index) >> 8, (first + index) & 255]);
    return reply(request, [asked, 2 * count, ...registers.flat()]);
  },
});

/** The header of the request, with the new length, and what is said. */
function reply(request: Buffer, said: readonly number[]): Buffer {
  const frame = Buffer.concat([request.subarray(0, HEADER_BYTES), Buffer.from(said)]);
  frame.writeUInt16BE(said.length + 1, 4);
  return frame;
}
