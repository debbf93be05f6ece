/** A process that starts a server with the options of its argument, says where, and prints its events, a line each; asked on its input, its numbers too. */
import { serve } from 'heddle';

const say = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);

const engine = process.env.HEDDLE_ENGINE ?? 'epoll';
const options = { engine, ...JSON.parse(process.argv[2]) };
try {
  const server = await serve({ host: '127.0.0.1', port: 0, onEvent: say, ...options });
  say({ type: 'listening', port: server.address.port });
  process.stdin.on('data', () => say({ type: 'stats', acceptPauses: server.stats().acceptPauses }));
} catch (error) {
  say({ type: 'refused', code: error.code, message: error.message });
}
