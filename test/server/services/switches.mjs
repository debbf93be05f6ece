/**
 * Lines and, after `packets`, messages behind their length in two bytes; `lines` goes back. Answers each with its framing and itself.
 * `own` asks for a framing that there is none of, `later NAME` changes it after a turn of the loop, `hold` blocks its thread,
 * `die` ends it.
 */
import { setImmediate } from 'node:timers/promises';
import { defineService } from 'heddle';

let gate;

const framings = { lines: 'line', packets: { length: 2 }, raw: 'chunk' };
export default defineService({
  framings,
  start: ({ shared }) => void (gate = shared.gate),
  message(message, client) {
    const text = message.toString();
    const [command, name] = text.split(' ');
    if (command === 'to') {
      void client.send(`from ${client.framing}`);
      client.framing = name;
      return undefined;
    }
    if (command === 'later') return setImmediate().then(() => void (client.framing = name));
    if (command === 'try') {
      try {
        client.framing = name;
      } catch (error) {
        return `${error.code}: ${error.message}`;
      }
    }
    if (command === 'hold') {
      Atomics.add(gate, 1, 1);
      Atomics.wait(gate, 0, 0);
    }
    if (command === 'die') process.exit(1);
    return `${client.framing} ${text}`;
  },
});
