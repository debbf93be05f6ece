import { Peer } from '../../server/peer.ts';
import { idleText, isIdle } from '../idleness.ts';
import type { Row } from '../row.ts';

const CLIENTS = 500;

export const idleAfter: Row = {
  fault: `after faults of each kind, idle with ${CLIENTS} clients`,
  asked: '< 1 % CPU, or six times a bare process of Node that wakes twice a second',
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
    const idle = await stage.idle();
    for (const peer of peers) await peer.leave();
    return { measured: idleText(idle), passed: isIdle(idle) };
  },
};
