/**
 * An HTTP/2 server with `node:http2`. Without TLS it speaks HTTP/2 from the first byte; under TLS the client must agree on `h2`
 * (ALPN), which `tls: { alpn: ['h2'] }` in a config file or in code says.
 *
 *     npx heddle serve examples/http2.ts --port 12345
 *     curl --http2-prior-knowledge http://127.0.0.1:12345/
 */
import { createServer, type ServerHttp2Session } from 'node:http2';
import { defineService } from 'heddle';

const sessions = new Set<ServerHttp2Session>();
const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(`${request.method} ${request.url} over HTTP/${request.httpVersion}\n`);
});
server.on('session', (session) => {
  sessions.add(session);
  session.once('close', () => sessions.delete(session));
});

export default defineService({
  stream(socket, client) {
    client.leaving.addEventListener('abort', goAway);
    server.emit('connection', socket);
  },
});

/** Requests that are under way are still answered. */
function goAway(): void {
  for (const session of sessions) session.close();
}
