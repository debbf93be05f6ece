/** Answers each message by itself; its messages are copies, its replies are copied. */
import { defineService } from 'heddle';
import { read, replyOf } from './words.mjs';
import { work } from './work.mjs';

export default defineService({
  message(message) {
    const { way, wants, nonce } = read(message);
    const done = work(way);
    return done === undefined ? replyOf(nonce, wants) : done.then(() => replyOf(nonce, wants));
  },
});
