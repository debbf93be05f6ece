/** The WebSocket echo of the question `streams`, as a service; `bench/peers/node-ws.mjs` is the same without Heddle. */
import { createServer } from 'node:http';
import { httpService } from 'heddle/http';
import { WebSocketServer } from 'ws';

const server = createServer();
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

export default httpService(server);
