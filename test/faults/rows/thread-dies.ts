import { Peer } from '../../server/peer.ts';
import { FaultServer } from '../fault-server.ts';
import { type Row, within } from '../row.ts';

const CLIENTS = 50;
const DEATHS = 10;

export const threadDies: Row = {
  fault: `a service ends its thread, ${DEATHS} times, beside ${CLIENTS} clients at rest`,
  asked: 'all at rest keep their connection; lost are exactly those being served; fds back',
  async run() {
    await using server = await FaultServer.start({ framing: 'line', threads: 2 });
    const before = server.fds;
    const resting = await Peer.connectAll(server.port, CLIENTS);
    for (const peer of resting) await peer.ask('hello');
    for (let death = 0; death < DEATHS; death++) {
      const killer = await Peer.connect(server.port);
      killer.send('exit\n');
      await killer.over();
      await killer.leave();
    }
    const answers = await Promise.all(resting.map((peer) => peer.ask('still here').catch(() => 'lost')));
    const kept = answers.filter((answer) => answer === 'still here').length;
    for (const peer of resting) await peer.leave();
    const back = await within(10_000, () => server.fds <= before);
    const { closes } = await server.stats();
    return {
      measured: `kept ${kept} of ${CLIENTS}, thread-exit ${closes['thread-exit']}, fds ${before} → ${server.fds}`,
      passed: kept === CLIENTS && closes['thread-exit'] === DEATHS && back,
    };
  },
};
