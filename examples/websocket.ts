/**
 * WebSockets with `ws`: what a client says comes back. When the thread wants to leave, clients are told to come again (1001, going away).
 *
 *     npx heddle serve examples/websocket.ts --port 12345
 *     npx wscat -c ws://127.0.0.1:12345
 */
import { createServer } from 'node:http';
import { defineService } from 'heddle';
import { httpService } from 'heddle/http';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

const web = httpService(server);

export default defineService({
  stream(socket, client) {
    client.leaving.addEventListener('abort', goAway);
    return web.stream(socket, client);
  },
});

function goAway(): void {
  for (const socket of sockets.clients) socket.close(1001);
}
