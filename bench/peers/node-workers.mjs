// Starts as many empty worker threads as its last argument says, two at a time as Heddle on two CPUs, and says when all run.
import { Worker } from 'node:worker_threads';

const EMPTY = "require('node:worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1e9);";

let left = Number(process.argv.at(-1));

async function startSome() {
  while (left-- > 0) await new Promise((resolve) => new Worker(EMPTY, { eval: true }).once('message', resolve));
}

await Promise.all([startSome(), startSome()]);
console.log('Server running on port 0');
