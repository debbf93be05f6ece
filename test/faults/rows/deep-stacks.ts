import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { least, type Row, within } from '../row.ts';

const TIMES = 3;
const CLIENTS = 600;
/** So many clients are there at the same time. */
const AT_ONCE = 4;
const RESETS_AFTER = 10;
const ANSWERED_WITHIN = 1000;
const DEADLINE = 2000;
const SERVICE = fileURLToPath(new URL('../deep-session.mjs', import.meta.url));

async function askAndReset(port: number): Promise<void> {
  const peer = await Peer.connect(port);
  peer.send('x\n');
  await delay(RESETS_AFTER);
  peer.reset();
}

/** How long a new client waits for its first answer, in ms. */
async function firstAnswer(server: FaultServer): Promise<number> {
  const from = performance.now();
  const peer = await Peer.connect(server.port);
  await peer.send('x\n').line();
  const took = performance.now() - from;
  await peer.leave();
  return took;
}

export const deepStacks: Row = {
  fault: `${TIMES} × ${CLIENTS} sessions recurse to the end of their stack and send there, to clients that have reset`,
  asked: `all closed with a reason, each time a new client is answered within ${ANSWERED_WITHIN / 1000} s (the best of 3: noise only adds); no thread dies; ended by SIGTERM within the deadline + 1 s`,
  async run(stage) {
    const server = await stage.start({ service: SERVICE, threads: { min: 2, max: 8 }, shutdownTimeout: DEADLINE });
    const waits: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      let left = CLIENTS;
      const come = async (): Promise<void> => {
        while (left-- > 0) await askAndReset(server.port);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, come));
      waits.push(await least(ANSWERED_WITHIN, () => firstAnswer(server)));
    }
    const areClosed = await within(10_000, async () => (await server.stats()).clients === 0);
    const { closes, exits } = await server.stats();
    const deaths = Object.values(exits).length;
    const from = performance.now();
    await server.stop();
    const took = performance.now() - from;
    const worst = Math.max(...waits);
    return {
      measured: `${closes['client-reset']} closed as client-reset, new ones answered after ${worst.toFixed(0)} ms at most, ${deaths} threads died, ended after ${took.toFixed(0)} ms`,
      passed: areClosed && worst <= ANSWERED_WITHIN && deaths === 0 && took <= DEADLINE + 1000,
    };
  },
};
