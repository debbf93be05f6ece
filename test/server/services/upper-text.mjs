/** Messages are strings. */
export default { encoding: 'utf8', framing: 'line', message: (text) => `${typeof text} ${text.toUpperCase()}` };
