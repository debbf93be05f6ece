/** Can be started once; its clients end its thread. */
export default {
  start(thread) {
    if (Atomics.add(new Int32Array(thread.shared.started), 0, 1) > 0) throw new Error('it was started before');
  },
  message: () => process.exit(),
};
