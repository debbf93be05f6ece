import { Peer } from '../../server/peer.ts';
import { p99 } from '../loads.ts';
import { least, type Row, within } from '../row.ts';

const CLIENTS = 1000;
const TIMEOUT = 4000;
/** Each sends a byte once in so many steps of the timer, and not all at once. */
const STEPS = 50;
const STEP = 20;

/** Has each of `peers` send a byte a second; gives a function that stops it. */
function drip(peers: readonly Peer[]): () => void {
  let step = 0;
  const timer = setInterval(() => {
    step = (step + 1) % STEPS;
    for (let index = step; index < peers.length; index += STEPS) if (!peers[index]?.isOver) peers[index]?.send('x');
  }, STEP);
  return () => clearInterval(timer);
}

export const slowSenders: Row = {
  fault: `${CLIENTS} clients send a byte a second and never a whole message`,
  asked: 'all closed by messageTimeout + 1 s; a bystander’s p99 at most twice its own (the best of 3 runs each)',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2, messageTimeout: TIMEOUT });
    await p99(server);
    const alone = await least(0, () => p99(server));
    const slow = await Peer.connectAll(server.port, CLIENTS);
    const began = performance.now();
    for (const peer of slow) peer.send('x');
    const stop = drip(slow);
    const beside = await least(2 * alone, () => p99(server));
    const wereThere = slow.every((peer) => !peer.isOver);
    const all = async (): Promise<boolean> => (await server.stats()).closes['message-timeout'] === CLIENTS;
    const done = await within(TIMEOUT + 5000, all);
    stop();
    const took = performance.now() - began;
    for (const peer of slow) await peer.leave();
    return {
      measured: `all closed after ${(took / 1000).toFixed(1)} s of ${TIMEOUT / 1000}; p99 ${alone.toFixed(2)} → ${beside.toFixed(2)} ms`,
      passed: done && wereThere && took <= TIMEOUT + 1000 && beside <= 2 * alone,
    };
  },
};
