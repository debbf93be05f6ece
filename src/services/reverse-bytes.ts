/** Replies with every byte of a message in reverse order. */
import { defineService } from 'heddle';

export default defineService({
  borrow: true,
  message: (message: Buffer) => message.reverse(),
});
