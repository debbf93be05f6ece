import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { type Row, sum, within } from '../row.ts';

const LIMIT = 130;
const OLD = 20;
const NEW = 280;
const TIMES = 20;

interface Round {
  readonly hung: number;
  readonly served: number;
  readonly share: number;
  readonly ms: number;
}

/** One shortage: old clients are served during it, and the new ones when the old have left. */
async function shortage(server: FaultServer): Promise<Round> {
  const old = await Peer.connectAll(server.port, OLD);
  for (const peer of old) await peer.ask('hello');
  const young = await Peer.connectAll(server.port, NEW);
  const asked = young.map((peer) => peer.ask('hello').then(() => peer.leave()));
  const cpu = server.cpu;
  const from = performance.now();
  let served = 0;
  for (let second = 0; second < 5; second++) {
    for (const peer of old) served += (await peer.ask('still here')) === 'still here' ? 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const share = (server.cpu - cpu) / (performance.now() - from);
  for (const peer of old) await peer.leave();
  const freed = performance.now();
  let answered = 0;
  for (const each of asked) void each.then(() => answered++);
  await within(30_000, () => answered === NEW);
  return { hung: NEW - answered, served, share, ms: performance.now() - freed };
}

export const outOfFds: Row = {
  fault: `out of file descriptors (limit ${LIMIT}, ${OLD + NEW} clients), ${TIMES} times`,
  asked: 'none hung, old clients served, CPU < 20 % meanwhile, all served within 1 s of fds being free',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2 }, `ulimit -n ${LIMIT};`);
    const rounds: Round[] = [];
    for (let time = 0; time < TIMES; time++) rounds.push(await shortage(server));
    const hung = sum(rounds.map((round) => round.hung));
    const served = rounds.every((round) => round.served === OLD * 5);
    const share = sum(rounds.map((round) => round.share)) / TIMES;
    const longest = Math.max(...rounds.map((round) => round.ms));
    return {
      measured: `${hung} hung, old served: ${served ? 'all' : 'not all'}, CPU ${(share * 100).toFixed(0)} %, all served ${longest.toFixed(0)} ms after`,
      passed: hung === 0 && served && share < 0.2 && longest <= 1000,
    };
  },
};
