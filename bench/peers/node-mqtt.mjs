// An MQTT broker on a listener of Node's own: one thread.
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`Server running on port ${server.address().port}`);
});
