import { Peer } from '../../server/peer.ts';
import { type Row, within } from '../row.ts';

const TIMEOUT = 1000;
const OTHERS = 20;

export const neverReturns: Row = {
  fault: 'a handler never returns',
  asked: 'named, only its client closed, a new thread within 1 s of the timeout',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2, handlerTimeout: TIMEOUT });
    const peers = await Peer.connectAll(server.port, OTHERS + 1);
    const [stuck, ...others] = peers as [Peer, ...Peer[]];
    for (const peer of peers) await peer.ask('hello');
    const began = Date.now();
    stuck.send('stick\n');
    const closed = await within(TIMEOUT + 5000, async () => (await server.stats()).closes['handler-timeout'] === 1);
    const replaced = await within(5000, async () => (await server.stats()).starts.length === 3);
    const { closes, held, starts } = await server.stats();
    const answers = await Promise.all(others.map((other) => other.ask('still here')));
    const kept = answers.filter((answer) => answer === 'still here').length;
    const after = (starts.at(-1) ?? Number.NaN) - began - TIMEOUT;
    const named = held.includes(stuck.localPort);
    for (const peer of peers) await peer.leave();
    return {
      measured: `named: ${named ? 'yes' : 'no'}, closed ${closes['handler-timeout']}, kept ${kept} of ${OTHERS}, new thread ${after} ms after the timeout`,
      passed: closed && replaced && named && kept === OTHERS && after <= 1000,
    };
  },
};
