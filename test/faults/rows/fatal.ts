import { fileURLToPath } from 'node:url';
import { Child } from '../../../bench/harness/child.ts';
import { Peer } from '../../server/peer.ts';
import { quietPort } from '../../support/quiet-port.ts';
import { least, type Row } from '../row.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const KEEPER = path('../../../deploy/keep-sockets.mjs');
const HEDDLE = path('../../../dist/cli/main.js');
const SERVICE = path('../fatal-service.mjs');
const LATE = 50;

export const fatal: Row = {
  fault: `one message ends the process (SIGABRT, as V8 does), under deploy/keep-sockets.mjs; ${LATE} clients come at that moment`,
  asked: 'none refused, all answered within 1 s (the best of 3: noise only adds)',
  async run() {
    const port = await quietPort();
    const serve = [process.execPath, HEDDLE, 'serve', SERVICE, '--threads', '2'];
    const keeper = new Child([process.execPath, KEEPER, `127.0.0.1:${port}`, '--', ...serve]);
    await keeper.line(/^Server running on port/);
    let answered = 0;
    let asked = 0;
    const longest = await least(1000, async () => {
      const killer = await Peer.connect(port);
      await killer.ask('hello');
      killer.send('fatal\n');
      await killer.over();
      const from = performance.now();
      const late = await Peer.connectAll(port, LATE);
      asked += LATE;
      const answers = await Promise.all(late.map((peer) => peer.ask('hello')));
      answered += answers.filter((answer) => answer === 'hello').length;
      const took = performance.now() - from;
      for (const peer of late) await peer.leave();
      return took;
    });
    await keeper.stop();
    return {
      measured: `${answered} of ${asked} answered, the last after ${longest.toFixed(0)} ms`,
      passed: answered === asked && longest <= 1000,
    };
  },
};
