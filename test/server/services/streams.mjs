/** Does what a line says with the socket that it came from, as a library would that has the socket for itself. */
import { Socket } from 'node:net';
import { defineService } from 'heddle';

const closed = [];

const commands = {
  echo: (socket, _client, text) => socket.write(`${text}\n`),
  who: (socket, client) =>
    socket.write(
      `${socket.remoteAddress} ${socket.remotePort} ${socket.remoteFamily} ${client.remoteAddress} ${client.remotePort}\n`,
    ),
  kind: (socket, client) => socket.write(`${socket instanceof Socket} ${client.tls !== undefined} ${client.id}\n`),
  idle: (_socket, client, text) => client.idleTimeout(text),
  end: (socket, _client, text) => socket.end(text),
  destroy: (socket) => socket.destroy(),
  fail: (socket, _client, text) => socket.destroy(new Error(text)),
  deaf: (socket) => socket.removeAllListeners(),
  // Writes as long as it is told, whatever the socket says of it.
  flood: (socket, _client, text) => {
    for (let count = Number(text); count > 0; count--) socket.write(Buffer.alloc(2 ** 20));
  },
  spin: () => {
    for (;;);
  },
  crash: (_socket, _client, text) => {
    throw new Error(text);
  },
  closed: (socket) => socket.write(`${closed.join(' ')}\n`),
  slow: (socket, client, text) => {
    socket.write('working\n');
    client.leaving.addEventListener('abort', () => socket.end(`${text}\n`));
  },
};

export default defineService({
  async open(client) {
    if (client.remotePort % 2 === 0) await Promise.resolve();
  },
  stream(socket, client) {
    client.leaving.addEventListener('abort', () => socket.end('leaving\n'));
    socket.setEncoding('latin1');
    let text = '';
    socket.on('data', (piece) => {
      const lines = (text + piece).split('\n');
      text = lines.pop();
      for (const line of lines) {
        const [name, ...words] = line.split(' ');
        commands[name](socket, client, words.join(' '));
      }
    });
  },
  close: (client, reason) => void closed.push(`${client.id}:${reason}`),
});
