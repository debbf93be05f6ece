/**
 * A framing that numbers what comes and what goes, for each client: a line is `NUMBER:TEXT`, and the number must be the next one.
 * `bloat N` has it keep N bytes more, `odd` what cannot be cloned.
 */
export const numbered = {
  state: () => ({ received: 0, sent: 0 }),
  decode(bytes, state) {
    const end = bytes.indexOf(10);
    if (end < 0) return undefined;
    const [, number, text] = /^(\d+):(.*)$/.exec(String.fromCharCode(...bytes.subarray(0, end))) ?? [];
    if (Number(number) !== state.received + 1) throw new Error(`message ${state.received + 1} is next, not ${number}`);
    state.received++;
    if (text.startsWith('bloat')) state.more = 'x'.repeat(Number(text.slice(6)));
    if (text === 'odd') state.more = () => {};
    return { message: text, length: end + 1 };
  },
  encode: (reply, state) => Buffer.from(`${++state.sent}:${reply}\n`),
};
