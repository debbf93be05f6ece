/** A process without koffi that starts a server, asks it something, and says with which engine it ran. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';

const [, , library, engine] = process.argv;
const { serve } = await import(pathToFileURL(library).href);
try {
  const server = await serve({ host: '127.0.0.1', port: 0, threads: 2, engine, framing: 'line' });
  const socket = connect(server.address.port, '127.0.0.1');
  socket.write('hello\n');
  const [reply] = await once(socket, 'data');
  socket.end();
  await server.drain();
  const hasFfi = process.platform === 'linux' && /koffi/.test(readFileSync('/proc/self/maps', 'latin1'));
  console.log(JSON.stringify({ engine: server.engine, reply: String(reply), hasFfi }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
