// A Heddle server in a process of its own. Usage: node server.mjs OPTIONS (JSON, as of serve; the service is the one here).
// For each line on standard input it prints `stats {…}`: the server's numbers, and its events by type, newest last.
import { createInterface } from 'node:readline';
import { serve } from 'heddle';

const events = [];
const onEvent = (event) => {
  if (event.type !== 'open') events.push(event);
};
const options = { host: '127.0.0.1', port: 0, service: new URL('./service.mjs', import.meta.url), onEvent };
const server = await serve({ ...options, ...JSON.parse(process.argv[2] ?? '{}') });
console.log(`Server running on port ${server.address.port}`);

createInterface({ input: process.stdin }).on('line', () => {
  const { closes, clients, accepted, messages } = server.stats();
  const of = (type) => events.filter((event) => event.type === type);
  const seen = { errors: of('service-error').length, held: of('thread-held'), starts: of('thread-start') };
  console.log(`stats ${JSON.stringify({ closes, clients, accepted, messages, ...seen })}`);
});
process.once('SIGTERM', () => void server.drain());
void server.closed.then(() => process.exit());
