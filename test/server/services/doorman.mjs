/** Turns clients away in `open`, in one of the ways that the environment of the test names. */
const WAYS = {
  throw: () => {
    throw new Error('not today');
  },
  reject: async () => {
    throw new Error('not today');
  },
  close: (client) => client.close(),
};

let way;

export default {
  start(thread) {
    way = WAYS[thread.shared.way];
  },
  open: (client) => way(client),
  message: (message) => message,
};
