/** Replies with the number of the thread that the message was served on. */
let id;

export default {
  start(thread) {
    id = thread.id;
  },
  framing: 'line',
  message: () => String(id),
};
