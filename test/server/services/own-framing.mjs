/** A framing of its own: a byte that says how many follow. `#` is skipped, `!` is no message. Replies come in two pieces. */
export const framing = {
  decode(bytes, _state, ended) {
    const [first] = bytes;
    if (first === 35) return { length: 1 };
    if (first === 33) throw new Error('no message begins with !');
    if (first === 63) return ended ? { message: 'all of it', length: bytes.length } : undefined;
    if (bytes.length <= first) return { need: first + 1 };
    return { message: Buffer.from(bytes.subarray(1, first + 1)).toString(), length: first + 1 };
  },
  encode: (reply) => [Buffer.of(reply.length), Buffer.from(reply)],
  refuse(why, text) {
    if (text.includes('!') || why === 'message-timeout') return `${why}: ${text}\n`;
    return why === 'message-too-long' ? Buffer.from('too long\n') : undefined;
  },
};

export default { framing, message: (text) => text.toUpperCase() };
