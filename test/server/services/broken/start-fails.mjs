export default {
  start() {
    throw new Error('no licence');
  },
  message: (message) => message,
};
