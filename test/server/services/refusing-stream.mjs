/** Refuses its clients, each in another way. */
import { defineService } from 'heddle';

const ways = ['open', 'open later', 'stream', 'stream later'];
const wayOf = ({ id }) => ways[id - 1];

export default defineService({
  open(client) {
    if (wayOf(client) === 'open') throw new Error('open');
    return wayOf(client) === 'open later' ? Promise.reject(new Error('open later')) : undefined;
  },
  stream(socket, client) {
    socket.write('hello\n');
    if (wayOf(client) === 'stream') throw new Error('stream');
    return wayOf(client) === 'stream later' ? Promise.reject(new Error('stream later')) : undefined;
  },
});
