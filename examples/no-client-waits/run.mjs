// Shows how long clients wait beside one that keeps its thread busy: on Heddle, and on plain `node:net`.
// Usage: node examples/no-client-waits/run.mjs
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Clients } from './clients.mjs';
import { Bars, Lines, showSummary } from './display.mjs';

const LIGHT = 8;
const WARM_MS = 2_000;
const MEASURED_MS = 10_000;
const TICK_MS = 200;

async function start(file) {
  const server = fork(new URL(file, import.meta.url));
  process.once('exit', () => server.kill('SIGKILL'));
  const ended = once(server, 'exit').then(([code]) => {
    throw new Error(`${file} ended with status ${code}. Is Heddle built? Build it with: npm run build`);
  });
  ended.catch(() => {});
  const [port] = await Promise.race([once(server, 'message'), ended]);
  return port;
}

/** These clients tell the time: where it is allowed, they are not kept from the CPU by what they measure. */
function hurry() {
  try {
    setPriority(-20);
  } catch {
    // Only root may; the waits then include what the clients' own process waited for the CPU.
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

const ports = { Heddle: await start('heddle-server.mjs'), 'node:net': await start('net-server.mjs') };
hurry();
const servers = Object.entries(ports).map(([name, port]) => [name, new Clients(port, LIGHT)]);
console.log(`${LIGHT} clients say hello; one more keeps sending work that holds its thread for 200 ms.\n`);

await sleep(WARM_MS);
for (const [, clients] of servers) {
  clients.takeWaits();
  clients.worstLately();
}

const display = process.stdout.isTTY ? new Bars() : new Lines(1_000 / TICK_MS);
const history = Object.fromEntries(servers.map(([name]) => [name, []]));
for (const end = performance.now() + MEASURED_MS; performance.now() < end; ) {
  await sleep(TICK_MS);
  for (const [name, clients] of servers) history[name].push(clients.worstLately());
  display.show(history);
}

console.log(`\nWhat the ${LIGHT} waited, in ${MEASURED_MS / 1_000} s (after ${WARM_MS / 1_000} s to warm up):\n`);
showSummary(Object.fromEntries(servers.map(([name, clients]) => [name, clients.takeWaits()])));
process.exit();
