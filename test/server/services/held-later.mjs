/** Says a line again; `hold` blocks its thread for good, but only after the handler has waited for a timer. */
import { setTimeout as delay } from 'node:timers/promises';

export default {
  framing: 'line',
  async message(line) {
    if (String(line) === 'hold') {
      await delay(30);
      for (;;);
    }
    return line;
  },
};
