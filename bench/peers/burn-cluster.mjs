// The burn service on Node's cluster: a worker process for each CPU, the primary hands out connections in turn.
import cluster from 'node:cluster';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { doWork } from '../services/asked-work.mjs';

const NEWLINE = 10;

function answer(line) {
  doWork(line);
  // oxlint-disable-next-line unicorn/no-array-reverse -- the cheapest that Node can do: no copy
  line.reverse();
}

function serve(socket) {
  let rest = null;
  socket.on('error', () => socket.destroy());
  socket.on('data', (arrived) => {
    const bytes = rest === null ? arrived : Buffer.concat([rest, arrived]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      answer(bytes.subarray(start, end));
      start = end + 1;
    }
    if (start > 0) socket.write(bytes.subarray(0, start));
    rest = start < bytes.length ? bytes.subarray(start) : null;
  });
}

if (cluster.isPrimary) {
  const workers = Array.from({ length: availableParallelism() }, () => cluster.fork());
  let listening = 0;
  cluster.on('listening', (_, { port }) => {
    if (++listening === workers.length) console.log(`Server running on port ${port}`);
  });
  // A worker that computes does not notice that the primary is gone.
  process.once('SIGTERM', () => {
    for (const worker of workers) worker.process.kill('SIGKILL');
    process.exit();
  });
} else {
  createServer({ noDelay: true }, serve).listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
}
