/** Answers `more` with as many bytes as `shared.size` says, `push` with 100 times a part of that at once; else the line. */
import { defineService } from 'heddle';

let size = 0;

export default defineService({
  framing: 'line',
  start({ shared }) {
    ({ size } = shared);
  },
  message(line, client) {
    const text = line.toString();
    if (text === 'more') return Buffer.alloc(size, 'x');
    if (text !== 'push') return text;
    for (let times = 0; times < 100; times++) void client.send(Buffer.alloc(size / 64, 'x'));
    return undefined;
  },
});
