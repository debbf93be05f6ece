// A Heddle server that tells and does what it is asked. Usage: node asked.mjs SERVICE THREADS
// On standard input: `stats` prints `stats {…}`; `reload` prints `reloaded`, or `kept` and why.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { serve } from 'heddle';

const [, , service, threads] = process.argv;
const server = await serve({ service: pathToFileURL(service), threads, framing: 'line', host: '127.0.0.1', port: 0 });
console.log(`Server running on port ${server.address.port}`);

const answers = {
  stats() {
    const { clients, accepted, closes, moves, threads: rows } = server.stats();
    console.log(
      `stats ${JSON.stringify({ clients, accepted, closes, moves, threads: rows.map((row) => row.clients) })}`,
    );
  },
  reload() {
    server.reload().then(
      () => console.log('reloaded'),
      (error) => console.log(`kept ${error.message}`),
    );
  },
};

createInterface({ input: process.stdin }).on('line', (word) => answers[word]?.());
process.once('SIGTERM', () => void server.close().then(() => process.exit()));
server.closed.catch((error) => {
  console.error(error.message);
  process.exit(1);
});
