/**
 * Answers lines with the name of its server, the client's number and the line; `big 100` with 100 bytes; `later` when
 * somebody sets gate[0]. Counts the hooks that ran.
 */
let shared;

export default {
  framing: 'line',
  start(thread) {
    ({ shared } = thread);
  },
  open() {
    shared.opened.add();
  },
  close() {
    shared.closed.add();
  },
  message(line, client) {
    const text = line.toString();
    const answer = `${shared.name} ${client.id} ${text}`;
    if (text.startsWith('big ')) return Buffer.alloc(Number(text.slice(4)), 'abcdefg');
    if (text !== 'later') return answer;
    return Promise.resolve(Atomics.waitAsync(shared.gate, 0, 0).value).then(() => answer);
  },
};
