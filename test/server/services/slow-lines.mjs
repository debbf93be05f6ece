/** Answers each line after as many milliseconds as it says. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineService } from 'heddle';

export default defineService({
  framing: 'line',
  async message(line) {
    await delay(Number(line));
    return line;
  },
});
