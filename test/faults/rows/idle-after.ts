import { Peer } from '../../server/peer.ts';
import { IDLE_LIMIT } from '../fault-server.ts';
import type { Row } from '../row.ts';

const CLIENTS = 500;

export const idleAfter: Row = {
  fault: `after faults of each kind, idle with ${CLIENTS} clients`,
  asked: '< 1 % CPU',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: '2..6', handlerTimeout: 500 });
    const peers = await Peer.connectAll(server.port, CLIENTS);
    for (const peer of peers) await peer.ask('hello');
    for (const fault of ['throw', 'exit', 'stick']) {
      const currentClient = await Peer.connect(server.port);
      currentClient.send(`${fault}\n`);
      await currentClient.over();
      await currentClient.leave();
    }
    const share = await server.idle();
    for (const peer of peers) await peer.leave();
    return { measured: `${(share * 100).toFixed(2)} %`, passed: share < IDLE_LIMIT };
  },
};
