import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface StubServer extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Set<Socket>;
}

/** Listens on a free port of the loopback, and hands each connection to `serve`. */
export async function stubServer(serve: (socket: Socket) => void): Promise<StubServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers each chunk with its bytes in reverse order, as the article's server does. */
export function reverseChunks(socket: Socket): void {
  socket.on('data', (chunk) => socket.write(Buffer.from(chunk).reverse())).on('end', () => socket.end());
}

/** Answers each line with itself. */
export function echoBytes(socket: Socket): void {
  socket.pipe(socket);
}
