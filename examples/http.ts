/**
 * An HTTP server as one writes it for Node, on all threads: whatever `http.createServer` takes, Express too, is a service.
 *
 *     npx heddle serve examples/http.ts --port 12345
 *     curl http://127.0.0.1:12345/
 */
import { createServer } from 'node:http';
import { httpService } from 'heddle/http';

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(`${request.method} ${request.url} of ${request.socket.remoteAddress}\n`);
});

export default httpService(server);
