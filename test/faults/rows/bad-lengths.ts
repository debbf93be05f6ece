import { Peer } from '../../server/peer.ts';
import { FaultServer } from '../fault-server.ts';
import type { Row } from '../row.ts';

const MUTATIONS = 100_000;
const AT_ONCE = 50;
const MAX = 4096;
const MIB = 2 ** 20;

/** xorshift32, so that a run can be repeated. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A frame that was whole, with some bytes changed and perhaps cut. */
function mutated(chance: (below: number) => number): Buffer {
  const frame = Buffer.alloc(4 + chance(64), 'a');
  frame.writeUInt32BE(frame.length - 4);
  for (let changes = 1 + chance(3); changes > 0; changes--) frame[chance(Math.min(6, frame.length))] = chance(256);
  return frame.subarray(0, 1 + chance(frame.length));
}

async function throwAt(port: number, seed: number): Promise<void> {
  const chance = seeded(seed);
  let peer = await Peer.connect(port);
  for (let mutation = 0; mutation < MUTATIONS / AT_ONCE; mutation++) {
    if (peer.isOver || chance(20) === 0) {
      await peer.leave();
      peer = await Peer.connect(port);
    }
    peer.send(mutated(chance));
    if (mutation % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await peer.leave();
}

/** Opens with only a header that promises as much as may be; returns what each of `count` such clients costs. */
async function costOfHeaders(server: FaultServer, count: number): Promise<number> {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(MAX);
  const before = server.memory;
  const peers = await Peer.connectAll(server.port, count);
  for (const peer of peers) peer.send(header);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const cost = (server.memory - before) / count;
  for (const peer of peers) await peer.leave();
  return cost;
}

export const badLengths: Row = {
  fault: `bad lengths: ${MUTATIONS} seeded mutations of length frames`,
  asked: 'no crash, < 64 KiB a client for a header alone, closed as message-too-long or bad-frame',
  async run() {
    await using server = await FaultServer.start({ framing: { length: 4 }, maxMessageLength: MAX, threads: 2 });
    const cost = await costOfHeaders(server, 500);
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => throwAt(server.port, 7 + index)));
    const { closes } = await server.stats();
    const refused = (closes['message-too-long'] ?? 0) + (closes['bad-frame'] ?? 0);
    const deaths = closes['thread-exit'] ?? 0;
    return {
      measured: `${refused} refused, ${deaths} cut by a crash; ${(cost / 1024).toFixed(1)} KiB a header; process at ${(server.memory / MIB).toFixed(0)} MiB`,
      passed: deaths === 0 && refused > 0 && cost < 65_536,
    };
  },
};
