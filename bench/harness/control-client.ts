/** A client that does to a server of the burn service what light clients do not. */
import { once } from 'node:events';
import { connect } from 'node:net';

const HOST = '127.0.0.1';

/** Asks for a message that burns `ms` of CPU time, and resolves when it is answered. */
export async function burnOnce(port: number, ms: number): Promise<void> {
  const socket = connect({ port, host: HOST, noDelay: true });
  try {
    socket.write(`b${String(ms).padStart(5, '0')}\n`);
    await once(socket, 'data');
  } finally {
    socket.destroy();
  }
}

/** Ends the thread that serves this client; resolves when the client is cut off. */
export async function killThread(port: number): Promise<void> {
  const socket = connect({ port, host: HOST, noDelay: true });
  socket.on('error', () => {}).resume();
  socket.write('x\n');
  await once(socket, 'close');
}
