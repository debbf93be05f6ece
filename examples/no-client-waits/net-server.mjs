// Serves the same with Node's own `net`.
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { answer } from './answer.mjs';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  createInterface({ input: socket }).on('line', (line) => socket.write(`${answer(line)}\n`));
});
process.once('disconnect', () => process.exit());
server.listen({ host: '127.0.0.1', port: 0 }, () => process.send(server.address().port));
