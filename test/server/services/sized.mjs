/** Replies to a number with so many bytes, which repeat 0 to 250. */
import { Buffer } from 'node:buffer';

const pattern = Buffer.from(Array.from({ length: 251 }, (_, value) => value));

export default { framing: 'line', message: (message) => Buffer.alloc(Number(message), pattern) };
