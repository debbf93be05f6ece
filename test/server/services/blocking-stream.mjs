/** Blocks its thread as soon as it gets its second client. */
import { defineService } from 'heddle';

export default defineService({
  stream(socket, client) {
    socket.write('hello\n');
    if (client.id === 2) for (;;);
  },
});
