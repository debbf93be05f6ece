/** Has its messages as text, though it says that it borrows. */
let memory;

export default {
  framing: 'line',
  encoding: 'utf8',
  borrow: true,
  start: (thread) => void ({ memory } = thread),
  message: (message) => `${message} ${typeof memory}`,
};
