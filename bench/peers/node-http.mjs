// An HTTP server on a listener of Node's own: one thread, no library.
import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end('hello\n'));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`Server running on port ${server.address().port}`);
});
