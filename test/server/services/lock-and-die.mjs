/** Takes the lock and ends its thread; or says whether the lock is free. */
let lock;

export default {
  framing: 'line',
  start(thread) {
    lock = thread.shared.lock;
  },
  message(message) {
    const got = lock.tryAcquire();
    if (String(message) === 'die') process.exit();
    return got ? 'got it' : 'it is taken';
  },
};
