/** Makes its messages itself, though it says that it borrows. */
let memory;

export default {
  framing: {
    decode(bytes) {
      const end = bytes.indexOf(10);
      return end < 0 ? undefined : { message: String.fromCharCode(...bytes.subarray(0, end)), length: end + 1 };
    },
    encode: (reply) => Buffer.from(`${reply}\n`),
  },
  borrow: true,
  start: (thread) => void ({ memory } = thread),
  message: (message) => `${message} ${typeof memory}`,
};
