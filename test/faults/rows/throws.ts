import { Peer } from '../../server/peer.ts';
import { FaultServer } from '../fault-server.ts';
import type { Row } from '../row.ts';

const CLIENTS = 100;
const MESSAGES = 1000;
/** One of so many messages makes its handler throw. */
const ONE_OF = 100;

/** Talks until all messages are sent; a client that was closed for an error of its own comes back. */
async function talk(port: number, client: number): Promise<{ threw: number; lost: number }> {
  let peer = await Peer.connect(port);
  let [threw, lost] = [0, 0];
  for (let message = 0; message < MESSAGES; message++) {
    const throws = (message + client) % ONE_OF === 0;
    const answer = await peer.ask(throws ? 'throw' : `m${client}-${message}`).catch(() => undefined);
    if (throws) threw++;
    if (!throws && answer !== `m${client}-${message}`) lost++;
    if (answer !== undefined) continue;
    await peer.leave();
    peer = await Peer.connect(port);
  }
  await peer.leave();
  return { threw, lost };
}

export const throws: Row = {
  fault: `a handler throws at 1 % of ${CLIENTS * MESSAGES} messages`,
  asked: 'no other client affected, each error reported once',
  async run() {
    await using server = await FaultServer.start({ framing: 'line', threads: 4 });
    const told = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => talk(server.port, client)));
    const threw = told.reduce((sum, client) => sum + client.threw, 0);
    const lost = told.reduce((sum, client) => sum + client.lost, 0);
    const { closes, errors } = await server.stats();
    return {
      measured: `${threw} threw, ${closes['service-error']} closed for it, ${errors} reported, ${lost} others affected`,
      passed: lost === 0 && errors === threw && closes['service-error'] === threw,
    };
  },
};
