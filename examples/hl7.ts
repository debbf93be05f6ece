/**
 * HL7 over MLLP: a message between the bytes 0x0b and 0x1c 0x0d. Each is acknowledged by its control id.
 *
 *     npx heddle serve examples/hl7.ts --port 12345
 *     printf '\x0bMSH|^~\\&|LAB|A|EMR|B|20261129||ORU^R01|42|P|2.5\r\x1c\r' | nc -N 127.0.0.1 12345
 */
import { defineService } from 'heddle';

const CONTROL_ID = 9;

export default defineService({
  framing: { start: '\x0b', delimiter: '\x1c\r' },
  encoding: 'utf8',
  message(text) {
    const header = text.split('\r', 1)[0]?.split('|') ?? [];
    const id = header[CONTROL_ID] ?? '';
    const verdict = header[0] === 'MSH' ? 'AA' : 'AR';
    return `MSH|^~\\&|||||||ACK|${id}|P|2.5\rMSA|${verdict}|${id}\r`;
  },
});
