/** An HTTP server with work to do: says who asks and how much it has got, or dies. Node gives requests little time here. */
import { createServer } from 'node:http';
import { httpService } from 'heddle/http';

const VERSION = 1;

const server = createServer(
  { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 20 },
  (request, response) => {
    if (request.url === '/die') throw new Error('it was told to');
    let bytes = 0;
    request.on('data', (piece) => (bytes += piece.length));
    request.on('end', () => response.end(`${VERSION} ${request.socket.remoteAddress} ${bytes}\n`));
  },
);

export default httpService(server);
