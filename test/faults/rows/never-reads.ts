import { Peer } from '../../server/peer.ts';
import { p99 } from '../loads.ts';
import { least, type Row, within } from '../row.ts';

const CLIENTS = 50;
/** Sent from the service's memory: what the server grows by is what it keeps, and not the garbage of copies. */
const PIECE = 128 * 1024;
const PIECES = 128;
const TIMEOUT = 3000;
const MIB = 2 ** 20;
const THREADS = 2;
const LIMIT = CLIENTS * MIB + 30 * MIB;

export const neverReads: Row = {
  fault: `${CLIENTS} clients ask for 16 MiB each and read nothing`,
  asked:
    'memory grows by at most 50 × maxUnsent + 30 MiB; all closed at sendTimeout; a bystander’s p99 at most twice its own (the best of 3 runs each)',
  async run(stage) {
    const server = await stage.start({
      framing: 'line',
      threads: THREADS,
      sendTimeout: TIMEOUT,
      maxUnsent: '1MiB',
    });
    await p99(server);
    const alone = await least(0, () => p99(server));
    const before = server.memory;
    const peers = await Peer.connectAll(server.port, CLIENTS);
    const began = performance.now();
    for (const peer of peers) {
      peer.socket.pause();
      peer.send(`same ${PIECE}\n`.repeat(PIECES));
    }
    const beside = await least(2 * alone, () => p99(server));
    let most = server.memory - before;
    let closed = 0;
    const all = async (): Promise<boolean> => {
      most = Math.max(most, server.memory - before);
      closed = (await server.stats()).closes['send-timeout'] ?? 0;
      return closed === CLIENTS;
    };
    const done = await within(TIMEOUT + 10_000, all);
    const took = performance.now() - began;
    for (const peer of peers) await peer.leave();
    return {
      measured: `memory +${(most / MIB).toFixed(0)} MiB of ${LIMIT / MIB}; ${closed} of ${CLIENTS} closed after ${(took / 1000).toFixed(1)} s of ${TIMEOUT / 1000}; p99 ${alone.toFixed(2)} → ${beside.toFixed(2)} ms`,
      passed: done && beside <= 2 * alone && most <= LIMIT && took <= TIMEOUT + 2000,
    };
  },
};
