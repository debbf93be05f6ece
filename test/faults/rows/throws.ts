import { Peer } from '../../server/peer.ts';
import { type Row, sum, within } from '../row.ts';

const CLIENTS = 100;
const MESSAGES = 1000;
/** One of so many messages makes its handler throw, or reject. */
const ONE_OF = 100;

/** Talks until all messages are sent; a client that was closed for an error of its own comes back. */
async function talk(port: number, client: number): Promise<{ failed: number; lost: number }> {
  let peer = await Peer.connect(port);
  let [failed, lost] = [0, 0];
  for (let message = 0; message < MESSAGES; message++) {
    const fails = (message + client) % ONE_OF === 0;
    const text = fails ? (message % 2 === 0 ? 'throw' : 'reject') : `m${client}-${message}`;
    const answer = await peer.ask(text).catch(() => undefined);
    if (fails) failed++;
    if (!fails && answer !== text) lost++;
    if (answer !== undefined) continue;
    await peer.leave();
    peer = await Peer.connect(port);
  }
  await peer.leave();
  return { failed, lost };
}

export const throws: Row = {
  fault: `a handler throws or rejects at 1 % of ${CLIENTS * MESSAGES} messages`,
  asked: 'no other client affected, each error reported once',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 4 });
    const told = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => talk(server.port, client)));
    const failed = sum(told.map((client) => client.failed));
    const lost = sum(told.map((client) => client.lost));
    // Events are on their way for some milliseconds.
    await within(5_000, async () => (await server.stats()).errors >= failed);
    const { closes, errors } = await server.stats();
    return {
      measured: `${failed} failed, ${closes['service-error']} closed for it, ${errors} reported, ${lost} others affected`,
      passed: lost === 0 && failed > 0 && errors === failed && closes['service-error'] === failed,
    };
  },
};
