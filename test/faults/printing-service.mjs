/** Prints each line that it gets, and sends it back. */
export default {
  framing: 'line',
  message(line) {
    console.log(String(line));
    return line;
  },
};
