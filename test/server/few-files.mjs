/** A process that starts a server with the options of its argument, says where, and prints its events, a line each. */
import { serve } from 'heddle';

const say = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);

const engine = process.env.HEDDLE_ENGINE ?? 'epoll';
const options = { engine, ...JSON.parse(process.argv[2]) };
try {
  const server = await serve({ host: '127.0.0.1', port: 0, onEvent: say, ...options });
  say({ type: 'listening', port: server.address.port });
} catch (error) {
  say({ type: 'refused', code: error.code, message: error.message });
}
