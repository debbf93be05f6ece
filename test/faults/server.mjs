// A Heddle server in a process of its own. Usage: node server.mjs OPTIONS (JSON, as of serve; the service is the one here).
// On standard input: `stats` prints `stats {…}`, its numbers and what was counted of its events; `reload` prints
// `reloaded`, or `kept` and why; `tidy` (see tidy.mjs) frees what is garbage on all threads, gives what malloc keeps of it back to the
// system, and prints `tidied`.
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import koffi from 'koffi';
import { Counter, serve } from 'heddle';

/** How long the threads that serve may take to free what is garbage, in ms. */
const COLLECTED_WITHIN = 200;

const mallocTrim = koffi.load('libc.so.6').func('int malloc_trim(size_t)');

const seen = { errors: 0, exits: {}, held: [], starts: [], pauses: 0 };
const listeners = {
  'service-error': () => seen.errors++,
  'thread-exit': ({ cause }) => (seen.exits[cause] = (seen.exits[cause] ?? 0) + 1),
  'thread-overdue': ({ port }) => seen.held.push(port),
  'accept-paused': () => seen.pauses++,
  'thread-start': ({ time }) => seen.starts.push(time),
};
const opened = new Counter();
const server = await serve({
  host: '127.0.0.1',
  port: 0,
  service: new URL('./service.mjs', import.meta.url),
  shared: { opened },
  onEvent: (event) => listeners[event.type]?.(event),
  ...JSON.parse(process.argv[2] ?? '{}'),
});
console.log(`Server running on port ${server.address.port}`);

const answers = {
  stats() {
    const { closes, clients, accepted, messages, moves, threads } = server.stats();
    const numbers = { closes, clients, accepted, messages, moves, threads: threads.map((thread) => thread.clients) };
    console.log(`stats ${JSON.stringify({ ...numbers, opened: opened.value, ...seen })}`);
  },
  reload() {
    server.reload().then(
      () => console.log('reloaded'),
      (error) => console.log(`kept ${error.message}`),
    );
  },
  async tidy() {
    const { tidy } = await import('./tidy.mjs');
    tidy();
    await delay(COLLECTED_WITHIN);
    mallocTrim(0);
    console.log('tidied');
  },
};
createInterface({ input: process.stdin }).on('line', (word) => answers[word]?.());
process.once('SIGTERM', () => void server.drain());
server.closed.then(
  () => process.exit(),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
