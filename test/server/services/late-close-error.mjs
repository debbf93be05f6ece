/** Fails in `close`, at once or later. */
export default {
  framing: 'line',
  close(_client, reason) {
    if (reason === 'client-reset') return Promise.reject(new Error('close failed later'));
    throw new Error('close failed');
  },
  message: (message) => message,
};
