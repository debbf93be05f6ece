import type { FaultServer } from '../fault-server.ts';
import { Peer } from '../../server/peer.ts';
import { least, type Row, within } from '../row.ts';

const BURN_MS = 600;
/** Milliseconds after which the clients that can move have moved. */
const MOVED_AFTER = 50;

/** Connects `count` clients that send `length` bytes of a message; resolves when the server has read them. */
async function halves(server: FaultServer, count: number, length: number): Promise<Peer[]> {
  const peers = await Peer.connectAll(server.port, count);
  const half = Buffer.alloc(length, 'h');
  await Promise.all(peers.map((peer) => new Promise((sent) => peer.socket.write(half, sent))));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return peers;
}

/** The longest wait of `count` clients that complete a message of `length` bytes while another client burns CPU on their thread, in ms. */
async function worstWait(server: FaultServer, count: number, length: number): Promise<number> {
  const watched = await halves(server, count, length);
  const burner = await Peer.connect(server.port);
  const burnt = burner.ask(`b${String(BURN_MS).padStart(5, '0')}`);
  await new Promise((resolve) => setTimeout(resolve, MOVED_AFTER));
  const from = performance.now();
  const waits = await Promise.all(watched.map((peer) => peer.ask('').then(() => performance.now() - from)));
  await burnt;
  await Promise.all([burner, ...watched].map((peer) => peer.leave()));
  return Math.max(...waits);
}

const OPTIONS = { framing: 'line', threads: 2, messageTimeout: '5m' } as const;

const PASSING = 2150;

export const halvesThatWent: Row = {
  fault: `${PASSING} clients with halves of 30 KB come and go; then 16 clients have halves of 100 KB on two threads, one of which a handler blocks`,
  asked: 'the 16 move: their wait is at most 200 ms (the best of 3: noise only adds)',
  async run(stage) {
    const server = await stage.start(OPTIONS);
    const passing = await halves(server, PASSING, 30_000);
    await Promise.all(passing.map((peer) => peer.leave()));
    await within(10_000, async () => (await server.stats()).clients === 0);
    const worst = await least(200, () => worstWait(server, 16, 100_000));
    return { measured: `worst wait ${worst.toFixed(0)} ms`, passed: worst <= 200 };
  },
};

const HOLDERS = [
  [700, 98_000],
  [34, 5_000],
] as const;
const INNOCENT = 100;

export const halvesOfOthers: Row = {
  fault: `734 clients keep long halves, 69 MB in all; ${INNOCENT} others have 3 bytes of a message on two threads, one of which a handler blocks`,
  asked: `the ${INNOCENT} move: their wait is at most 50 ms (the best of 3: noise only adds)`,
  async run(stage) {
    const server = await stage.start(OPTIONS);
    const holders: Peer[] = [];
    for (const [count, length] of HOLDERS) holders.push(...(await halves(server, count, length)));
    const worst = await least(50, () => worstWait(server, INNOCENT, 3));
    await Promise.all(holders.map((peer) => peer.leave()));
    return { measured: `worst wait ${worst.toFixed(0)} ms`, passed: worst <= 50 };
  },
};
