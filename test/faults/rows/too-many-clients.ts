import { Peer } from '../../server/peer.ts';
import { type Row, within } from '../row.ts';

const PLACES = 100;
const DIALLED = 300;

export const tooManyClients: Row = {
  fault: `${DIALLED} clients dial a server with maxClients ${PLACES}`,
  asked: `exactly ${PLACES} served at once; a freed place is used within 100 ms`,
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 4, maxClients: PLACES });
    const peers = await Peer.connectAll(server.port, DIALLED);
    const served = new Set<Peer>();
    for (const peer of peers)
      void peer
        .ask('hello')
        .then(() => served.add(peer))
        .catch(() => {});
    await within(5000, () => served.size >= PLACES);
    // Long enough for one too many to be seen.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const atOnce = served.size;
    const waits: number[] = [];
    for (const peer of [...served].slice(0, 20)) {
      const before = served.size;
      const from = performance.now();
      await peer.leave();
      await within(5000, () => served.size > before);
      waits.push(performance.now() - from);
    }
    for (const peer of peers) await peer.leave();
    const longest = Math.max(...waits);
    return {
      measured: `${atOnce} served at once; a freed place was used after ${longest.toFixed(0)} ms at most (looked at every 20 ms)`,
      passed: atOnce === PLACES && longest <= 100,
    };
  },
};
