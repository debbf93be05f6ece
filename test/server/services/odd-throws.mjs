// Throws what no error should be, now or later, by the words of a line; echoes everything else.
const things = {
  undefined: () => undefined,
  text: () => 'plain text',
  symbol: () => Symbol('a symbol'),
  function: () => things.text,
  object: () => ({ a: 1 }),
  bare: () => Object.create(null),
  'message-object': () => Object.assign(new Error('x'), { message: { a: 1 } }),
  'stack-number': () => Object.assign(new Error('odd stack'), { stack: 42 }),
  trap: () =>
    Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('a trap');
      },
    }),
  long: () => new Error('x'.repeat(3e6)),
};

export default {
  framing: 'line',
  message(line) {
    const [way, thing] = line.toString().split(' ');
    if (thing === undefined) return line;
    const thrown = things[thing]();
    if (way === 'throw') throw thrown;
    if (way === 'reject') return Promise.reject(thrown);
    setTimeout(() => {
      throw thrown;
    });
    return new Promise(() => {});
  },
};
