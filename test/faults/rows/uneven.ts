import { burnOnce } from '../../../bench/harness/control-client.ts';
import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { least, type Row, sum, within } from '../row.ts';

const CLIENTS = 1000;
const THREADS = 4;
const EVEN = 1.25;
const BLOCK = 1000;
const WITHIN = 1000;

/** The busiest thread's clients by the mean. */
async function unevenness(server: FaultServer): Promise<number> {
  const { threads } = await server.stats();
  return (Math.max(...threads) * THREADS) / sum(threads);
}

/** Blocks a thread for a while; resolves with how long after it is free all have their share again, in ms. */
async function evenAgain(server: FaultServer): Promise<number> {
  await burnOnce(server.port, BLOCK);
  const freed = performance.now();
  const isEven = await within(5 * WITHIN, async () => (await unevenness(server)) <= EVEN);
  return isEven ? performance.now() - freed : Infinity;
}

export const uneven: Row = {
  fault: `uneven accept: ${CLIENTS} clients that have said something, on ${THREADS} threads, one of which is then blocked for ${BLOCK / 1000} s`,
  asked: `busiest at most ${EVEN} × the mean; even again within 1 s of the thread being free (the best of 3: noise only adds)`,
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: THREADS });
    const peers = await Peer.connectAll(server.port, CLIENTS);
    const isIn = await within(5000, async () => (await server.stats()).clients === CLIENTS);
    const connected = await unevenness(server);
    // Who has never said anything may be like the one that blocks a thread: it waits for its first message, on no thread.
    for (const peer of peers) await peer.ask('hello');
    const again = await least(WITHIN, () => evenAgain(server));
    for (const peer of peers) await peer.leave();
    return {
      measured: `busiest ${connected.toFixed(2)} × the mean; even again after ${again.toFixed(0)} ms`,
      passed: isIn && connected <= EVEN && again <= WITHIN,
    };
  },
};
