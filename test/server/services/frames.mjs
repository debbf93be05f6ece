/** A framing of its own: `<json>;`, where the JSON is `{"text": …}`. Replies are numbers. */
import { Buffer } from 'node:buffer';

const decoder = new TextDecoder();

export default {
  framing: {
    decode(bytes) {
      const at = bytes.indexOf(59);
      if (at < 0) return undefined;
      return { message: JSON.parse(decoder.decode(bytes.subarray(0, at))), length: at + 1 };
    },
    encode: (reply) => {
      if (typeof reply !== 'number') throw new TypeError(`cannot encode ${reply}`);
      return Buffer.from(`${reply};`);
    },
  },
  message: ({ text }) => (text === 'odd' ? text : text.length),
};
