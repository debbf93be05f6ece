/** Says how large the memory of its thread is, whether it can grow, and whether only this thread writes to it. */
let memory;
let mark;

function growth() {
  try {
    memory.grow(1);
    return 'grown';
  } catch {
    return 'fixed';
  }
}

export default {
  framing: 'line',
  borrow: true,
  start(thread) {
    ({ memory } = thread);
    mark = new Int32Array(memory.buffer, 128 * 1024, 1);
    mark[0] = thread.id;
    this.id = thread.id;
  },
  message() {
    return `${memory.buffer.byteLength} ${growth()} ${mark[0] === this.id ? 'own' : 'shared'}`;
  },
};
