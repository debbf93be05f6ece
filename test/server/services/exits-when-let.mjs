/** Says a line again; `exit` ends its thread once somebody sets gate[0], `never` is not answered. */
let gate;

export default {
  framing: 'line',
  encoding: 'utf8',
  start({ shared }) {
    gate = shared.gate;
  },
  message(line) {
    if (line === 'never') return new Promise(() => {});
    if (line === 'exit') return Promise.resolve(Atomics.waitAsync(gate, 0, 0).value).then(() => process.exit(0));
    return line;
  },
};
