import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { type Row, sum, within } from '../row.ts';

const MUTATIONS = 100_000;
const AT_ONCE = 50;
const MAX = 4096;
const HEADERS = 500;
const HEADER_LIMIT = 65_536;

function frame(message: string, length = message.length): Buffer {
  const bytes = Buffer.alloc(4 + message.length, message);
  bytes.writeUInt32BE(length);
  bytes.write(message, 4, 'latin1');
  return bytes;
}

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
  const bytes = frame('a'.repeat(chance(64)));
  for (let changes = 1 + chance(3); changes > 0; changes--) bytes[chance(Math.min(6, bytes.length))] = chance(256);
  return bytes.subarray(0, 1 + chance(bytes.length));
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

/** Opens with only a header that promises as much as may be; returns what each such client costs, in bytes. */
async function costOfHeaders(server: FaultServer): Promise<number> {
  const before = server.memory;
  const peers = await Peer.connectAll(server.port, HEADERS);
  for (const peer of peers) peer.send(frame('', MAX));
  let most = 0;
  await within(500, () => {
    most = Math.max(most, server.memory - before);
    return false;
  });
  for (const peer of peers) await peer.leave();
  return most / HEADERS;
}

/** Tells whether messages of the least and the greatest length are answered, and one that is split at any byte. */
async function answersGood(port: number): Promise<boolean> {
  const peer = await Peer.connect(port);
  const isBack = async (bytes: Buffer): Promise<boolean> => (await peer.take(bytes.length)).equals(bytes);
  let good = true;
  for (const bytes of [frame(''), frame('m'.repeat(MAX))]) good = (await isBack(peer.send(bytes) && bytes)) && good;
  const hello = frame('hello');
  for (let at = 1; at < hello.length; at++) {
    peer.send(hello.subarray(0, at));
    await new Promise((resolve) => setTimeout(resolve, 5)); // The first part is to be read before the second comes.
    good = (await isBack(peer.send(hello.subarray(at)) && hello)) && good;
  }
  await peer.leave();
  return good;
}

/** Sends a header that promises `length` bytes, which is too much; resolves when the server has closed. */
async function promise(port: number, length: number): Promise<void> {
  const peer = await Peer.connect(port);
  peer.send(frame('', length));
  await peer.over();
  await peer.leave();
}

export const badLengths: Row = {
  fault: `bad lengths: 0, the most, one more, 2³² − 1, split at every byte, ${MUTATIONS} seeded mutations`,
  asked: 'no crash, < 64 KiB a client for a header alone, closed as message-too-long or bad-frame',
  async run(stage) {
    const server = await stage.start({ framing: { length: 4 }, maxMessageLength: MAX, threads: 2 });
    const good = await answersGood(server.port);
    for (const length of [MAX + 1, 2 ** 31, 2 ** 32 - 1]) await promise(server.port, length);
    const { 'message-too-long': tooLong } = (await server.stats()).closes;
    const cost = await costOfHeaders(server);
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => throwAt(server.port, 7 + index)));
    const { closes, exits } = await server.stats();
    const refused = (closes['message-too-long'] ?? 0) + (closes['bad-frame'] ?? 0);
    const deaths = sum(Object.values(exits));
    return {
      measured: `good ones answered: ${good ? 'all' : 'not all'}; ${tooLong} of 3 too long refused, of mutations ${refused - (tooLong ?? 0)}; ${deaths} threads died; ${(cost / 1024).toFixed(1)} KiB a header`,
      passed: good && tooLong === 3 && deaths === 0 && refused > 3 && cost < HEADER_LIMIT,
    };
  },
};
