/** The same with the socket of each client. */
import { answer } from './traced.mjs';

export default {
  stream(socket) {
    socket.on('data', (line) => socket.write(`${answer(String(line).trim())}\n`));
  },
};
