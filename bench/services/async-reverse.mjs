// The reverse service with an async function for each message.
import { defineService } from 'heddle';

export default defineService({
  async message(message) {
    // oxlint-disable-next-line unicorn/no-array-reverse -- bytes that are ours, reversed where they are
    return message.reverse();
  },
});
