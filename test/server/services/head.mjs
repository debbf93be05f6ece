/** Messages of a head, up to a blank line, that says how long the body is. */
export default {
  framing: {
    head: '\r\n\r\n',
    length(head) {
      return Number(/^length: (\S+)/im.exec(head)?.[1] ?? 0);
    },
  },
  message: (frame) => `size: ${frame.length}\r\n\r\n`,
};
