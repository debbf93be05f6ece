import { Peer } from '../../server/peer.ts';
import { type Row, sum, within } from '../row.ts';

const RESTING = 50;
/** Clients whose handler awaits something that never comes: their thread takes them with it. */
const PINNED = 10;
const WAYS = ['exit', 'memory', 'uncaught', 'unhandled'];
const ROUNDS = 3;

async function kill(port: number, way: string): Promise<void> {
  const killer = await Peer.connect(port);
  killer.send(`${way}\n`);
  await killer.over();
  await killer.leave();
}

export const threadDies: Row = {
  fault: `a thread dies: exit, heap limit, an error from a timer, an unhandled rejection; ${ROUNDS} times each, beside ${RESTING} idle clients and ${PINNED} pinned`,
  asked: 'all idle keep their connection; lost are exactly those being served or pinned; fds back',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2, threadMemory: '32MiB' });
    const before = server.fds;
    const idle = await Peer.connectAll(server.port, RESTING);
    for (const peer of idle) await peer.ask('hello');
    const pinned = await Peer.connectAll(server.port, PINNED);
    for (const peer of pinned) peer.send('wait\n');
    for (let round = 0; round < ROUNDS; round++) for (const way of WAYS) await kill(server.port, way);
    const deaths = ROUNDS * WAYS.length;
    const answers = await Promise.all(idle.map((peer) => peer.ask('still here').catch(() => 'lost')));
    const kept = answers.filter((answer) => answer === 'still here').length;
    const lost = deaths + pinned.filter((peer) => peer.isOver).length;
    for (const peer of [...idle, ...pinned]) await peer.leave();
    const back = await within(10_000, () => server.fds <= before);
    const { closes, exits } = await server.stats();
    return {
      measured: `${sum(Object.values(exits))} deaths; kept ${kept} of ${RESTING}; lost ${lost}, thread-exit ${closes['thread-exit']}; fds ${before} → ${server.fds}`,
      passed: kept === RESTING && lost === closes['thread-exit'] && sum(Object.values(exits)) === deaths && back,
    };
  },
};
