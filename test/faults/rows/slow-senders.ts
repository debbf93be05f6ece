import { Peer } from '../../server/peer.ts';
import { FaultServer } from '../fault-server.ts';
import { percentile, type Row, within } from '../row.ts';

const CLIENTS = 1000;
const TIMEOUT = 3000;
/** A bystander's messages, without the slow senders and beside them. */
const MESSAGES = 2000;

async function p99(bystander: Peer): Promise<number> {
  const waits: number[] = [];
  for (let message = 0; message < MESSAGES; message++) {
    const from = performance.now();
    await bystander.ask('hello');
    waits.push(performance.now() - from);
  }
  return percentile(waits, 0.99);
}

export const slowSenders: Row = {
  fault: `${CLIENTS} clients send a byte a second and never a whole message`,
  asked: `all closed by messageTimeout + 1 s; a bystander's p99 at most twice its own`,
  async run() {
    await using server = await FaultServer.start({ framing: 'line', threads: 2, messageTimeout: TIMEOUT });
    const bystander = await Peer.connect(server.port);
    await p99(bystander);
    const alone = await p99(bystander);
    const slow = await Peer.connectAll(server.port, CLIENTS);
    const began = performance.now();
    const drip = (): void => {
      for (const peer of slow) if (!peer.isOver) peer.send('x');
    };
    drip();
    const dripping = setInterval(drip, 1000);
    const beside = await p99(bystander);
    const all = async (): Promise<boolean> => (await server.stats()).closes['message-timeout'] === CLIENTS;
    const done = await within(TIMEOUT + 5000, all);
    clearInterval(dripping);
    const took = performance.now() - began;
    for (const peer of [...slow, bystander]) await peer.leave();
    return {
      measured: `all closed after ${(took / 1000).toFixed(1)} s of ${TIMEOUT / 1000}; p99 ${alone.toFixed(2)} → ${beside.toFixed(2)} ms`,
      passed: done && took <= TIMEOUT + 1000 && beside <= 2 * alone,
    };
  },
};
