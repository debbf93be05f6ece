import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kicked } from '../../../src/admin/control/kick.ts';
import { Peer } from '../../server/peer.ts';
import { linesAt } from '../../support/control-at.ts';
import { type Row, within } from '../row.ts';

const CLIENTS = 10_000;
const KICKED = 1000;
const PER_SECOND = 200;
/** How far the pace may be off. */
const TOLERANCE = 0.05;
/** So many clients dial at once: the backlog of a listening socket is bounded. */
const AT_ONCE = 500;
const SERVICE = fileURLToPath(new URL('../kicked-service.mjs', import.meta.url));

async function connectAll(port: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  while (peers.length < CLIENTS) {
    const more = await Peer.connectAll(port, AT_ONCE);
    await Promise.all(more.map((peer) => peer.ask('hello')));
    peers.push(...more);
  }
  return peers;
}

export const kicks: Row = {
  fault: `${KICKED} of ${CLIENTS} clients are kicked, ${PER_SECOND} a second`,
  asked: `each of them is closed as kicked, its close hook runs once, at that pace ± ${TOLERANCE * 100} %; all others are still answered`,
  async run(stage) {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-kicks-'));
    const control = join(folder, 'control.sock');
    try {
      const server = await stage.start({ framing: 'line', threads: 4, control, service: SERVICE });
      const peers = await connectAll(server.port);
      const times: number[] = [];
      let right = 0;
      const asked = { where: `id<=${KICKED}`, perSecond: PER_SECOND };
      for await (const { id, result } of linesAt<Kicked>(control, '/v1/kick', asked)) {
        times.push(performance.now());
        if (result === 'kicked' && id <= KICKED) right++;
      }
      const pace = ((times.length - 1) * 1000) / ((times.at(-1) ?? NaN) - (times[0] ?? NaN));
      await within(5000, () => peers.filter(({ isOver }) => isOver).length >= KICKED);
      const left = peers.filter(({ isOver }) => !isOver);
      const answers = await Promise.all(left.map((peer) => peer.ask('still here').catch(() => undefined)));
      const answered = answers.filter((answer) => answer === 'still here').length;
      const { closes, opened: told } = await server.stats();
      for (const peer of peers) peer.socket.destroy();
      await within(10_000, async () => (await server.stats()).clients === 0);
      return {
        measured: `${right} kicked, ${closes['kicked']} closed so, ${told} close hooks; ${pace.toFixed(0)} a second; ${answered} of ${CLIENTS - KICKED} others answered`,
        passed:
          [right, closes['kicked'], told].every((count) => count === KICKED) &&
          answered === CLIENTS - KICKED &&
          Math.abs(pace / PER_SECOND - 1) <= TOLERANCE,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
