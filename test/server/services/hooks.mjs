/** Writes down each hook that ran, in shared memory: one counter for each, and greets its clients. */
let shared;

export default {
  framing: 'line',
  start(thread) {
    shared = thread.shared;
    shared.started.add(thread.id);
  },
  stop(thread) {
    shared.stopped.add(thread.id);
  },
  open(client) {
    shared.opened.add();
    void client.send(`hello ${client.remotePort}`);
  },
  close(_client, reason) {
    shared[reason]?.add();
  },
  message: (message) => message,
};
