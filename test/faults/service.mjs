/** Does what the first letter of a line says, and answers the line. */
import { defineService } from 'heddle';

const ways = {
  throw() {
    throw new Error('a fault on purpose');
  },
  stick() {
    for (;;);
  },
  exit() {
    process.exit(1);
  },
  large: (size) => Buffer.alloc(Number(size), 'x'),
};

export default defineService({
  message(line) {
    const text = line.toString('latin1');
    const [way, argument] = text.split(' ');
    return ways[way]?.(argument) ?? text;
  },
});
