import { Peer } from '../../server/peer.ts';
import { FaultServer } from '../fault-server.ts';
import { type Row, within } from '../row.ts';

const CLIENTS = 50;
const PIECE = 64 * 1024;
const PIECES = 256;
const TIMEOUT = 2000;
const MIB = 2 ** 20;
const LIMIT = CLIENTS * MIB + 30 * MIB;

export const neverReads: Row = {
  fault: `${CLIENTS} clients ask for 16 MiB each and read nothing`,
  asked: 'memory grows by at most 50 × maxUnsent + 30 MiB; all closed at sendTimeout; others unaffected',
  async run() {
    await using server = await FaultServer.start({
      framing: 'line',
      threads: 2,
      sendTimeout: TIMEOUT,
      maxUnsent: '1MiB',
    });
    const bystander = await Peer.connect(server.port);
    await bystander.ask('hello');
    const before = server.memory;
    const peers = await Peer.connectAll(server.port, CLIENTS);
    const began = performance.now();
    for (const peer of peers) {
      peer.socket.pause();
      peer.send(`large ${PIECE}\n`.repeat(PIECES));
    }
    let most = 0;
    const all = async (): Promise<boolean> => {
      most = Math.max(most, server.memory - before);
      return (await server.stats()).closes['send-timeout'] === CLIENTS;
    };
    const done = await within(TIMEOUT + 10_000, all);
    const took = performance.now() - began;
    const unaffected = (await bystander.ask('still here')) === 'still here';
    for (const peer of [...peers, bystander]) await peer.leave();
    return {
      measured: `memory +${(most / MIB).toFixed(0)} MiB of ${LIMIT / MIB}; all closed after ${(took / 1000).toFixed(1)} s of ${TIMEOUT / 1000}`,
      passed: done && unaffected && most <= LIMIT && took <= TIMEOUT + 2000,
    };
  },
};
