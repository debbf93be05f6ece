/** Reads messages where they lie, answers short ones in the same place, and lends its long replies. */
import { defineService } from 'heddle';
import { read, replyOf } from './words.mjs';
import { work } from './work.mjs';

export default defineService({
  borrow: 'both',
  message(message) {
    const { way, wants, nonce } = read(message);
    const done = work(way);
    const reply = replyOf(nonce, wants);
    if (done !== undefined) return done.then(() => reply);
    if (reply.length > message.length) return reply;
    message.set(reply);
    return message.subarray(0, reply.length);
  },
});
