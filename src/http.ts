/** Makes a service of an HTTP server: the entry `heddle/http`. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { StreamService } from './connection/service.ts';

/*
 * Two things that `http.Server` does when it listens are done here, since Heddle listens in its place. On its event `listening` it begins to
 * look for requests that take too long: without it, `headersTimeout` and `requestTimeout` do nothing. And who leaves tells clients so.
 */

/**
 * Makes a service of `server`, which must not listen itself: its handlers, `upgrade` listeners and timeouts work as they are. When the thread
 * wants to leave, responses say `Connection: close`, and connections between two requests are ended.
 *
 * @example
 * import { createServer } from 'node:http';
 * import { httpService } from 'heddle/http';
 *
 * export default httpService(createServer((request, response) => response.end(`hello, ${request.socket.remoteAddress}`)));
 */
export function httpService(server: Server): StreamService {
  const door = new Leaving(server);
  server.emit('listening');
  return {
    stream(socket, client) {
      socket.allowHalfOpen = true; // As http.Server has it: a client that has shut down its side still gets its response.
      if (!client.leaving.aborted) door.open();
      client.leaving.addEventListener('abort', () => door.leave(socket), { once: true });
      server.emit('connection', socket);
    },
  };
}

class Leaving {
  readonly #server: Server;
  #isLeaving = false;
  /** Idle connections are about to be ended. */
  #isDue = false;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Clients may stay again: the process that was to take over has ended. */
  open(): void {
    if (!this.#isLeaving) return;
    this.#isLeaving = false;
    this.#server.off('request', closeAfter);
  }

  /** Ends the connection of `socket` after what is under way on it. */
  leave(socket: Socket): void {
    const response = responseOf(socket);
    if (response?.headersSent === false) response.setHeader('Connection', 'close');
    else if (response !== undefined) response.once('close', this.#endIdle);
    else if (socket.bytesRead === 0) socket.end(); // Node does not call it idle before its first request.
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#server.prependListener('request', closeAfter);
    this.#endIdle();
  }

  readonly #endIdle = (): void => {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#isLeaving) this.#server.closeIdleConnections();
    });
  };
}

function closeAfter(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Connection', 'close');
}

/** The response that is being sent: Node has no other way from a socket to it. */
function responseOf(socket: Socket): ServerResponse | undefined {
  const { _httpMessage: response } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
  return response ?? undefined;
}
