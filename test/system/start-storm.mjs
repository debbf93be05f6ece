/**
 * Starts servers that cannot start, or ends servers while they start, one after the other: threads are so ended at
 * every point of their own start. Argument: `fail` or `close`. Prints `done`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from 'heddle';

const engine = process.env.HEDDLE_ENGINE ?? 'epoll';
const options = { host: '127.0.0.1', port: 0, threads: 4, engine };
const broken = new URL('../server/services/broken/throws.mjs', import.meta.url);

/** A thread that is ended at the wrong moment takes the process with it, so it takes many starts to be sure. */
const ROUNDS = process.argv[2] === 'fail' ? 50 : 15;

for (let round = 0; round < ROUNDS; round++) {
  if (process.argv[2] === 'fail') await serve({ ...options, service: broken }).catch(() => {});
  else {
    const server = await serve(options);
    const reloaded = server.reload().catch(() => {});
    await delay(round);
    await server.close();
    await reloaded;
  }
}
process.stdout.write('done\n');
