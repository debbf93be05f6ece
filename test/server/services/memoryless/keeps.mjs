/** Keeps its messages, so they are copies. */
let memory;

export default {
  framing: 'line',
  start: (thread) => void ({ memory } = thread),
  message: (message) => `${message} ${typeof memory}`,
};
