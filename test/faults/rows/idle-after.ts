import { Peer } from '../../server/peer.ts';
import { FaultServer } from '../fault-server.ts';
import type { Row } from '../row.ts';

const CLIENTS = 500;
/** V8 tidies up once after a load, some eight seconds later. */
const REST_MS = 12_000;
const MEASURED_MS = 5000;

export const idleAfter: Row = {
  fault: `after faults of each kind, idle with ${CLIENTS} clients`,
  asked: '< 1 % CPU',
  async run() {
    await using server = await FaultServer.start({ framing: 'line', threads: '2..6', handlerTimeout: 500 });
    const peers = await Peer.connectAll(server.port, CLIENTS);
    for (const peer of peers) await peer.ask('hello');
    for (const fault of ['throw', 'exit', 'stick']) {
      const culprit = await Peer.connect(server.port);
      culprit.send(`${fault}\n`);
      await culprit.over();
      await culprit.leave();
    }
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const [cpu, from] = [server.cpu, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
    const share = (server.cpu - cpu) / (performance.now() - from);
    for (const peer of peers) await peer.leave();
    return { measured: `${(share * 100).toFixed(2)} %`, passed: share < 0.01 };
  },
};
