/** Echoes lines; `fatal` ends the process: a heap that grows in one step cannot be stopped at its limit. */
export default {
  framing: 'line',
  message(line) {
    if (line.toString() !== 'fatal') return line;
    const grown = [];
    for (;;) grown.push(1.5);
  },
};
