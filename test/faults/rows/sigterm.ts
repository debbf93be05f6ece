import { Peer } from '../../server/peer.ts';
import type { Row } from '../row.ts';

const CLIENTS = 50;
/** Messages of each client in a second. */
const RATE = 100;
const RUN_MS = 1000;
const DEADLINE = 3000;

/** Sends at its rate, whatever comes back, until the server ends the stream. Counts what it sent before the signal. */
async function talk(peer: Peer, told: () => boolean): Promise<{ sent: number; answered: number }> {
  let sent = 0;
  const sending = setInterval(() => {
    if (peer.isOver || told()) return;
    peer.send('hello\n');
    sent++;
  }, 1000 / RATE);
  await peer.over();
  clearInterval(sending);
  const answered = Buffer.concat(peer.pieces).length / 'hello\n'.length;
  await peer.leave();
  return { sent, answered };
}

export const sigterm: Row = {
  fault: `SIGTERM at ${CLIENTS * RATE} messages a second`,
  asked: 'sent = answered; ended within the deadline + 1 s',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2, shutdownTimeout: DEADLINE });
    const peers = await Peer.connectAll(server.port, CLIENTS);
    let told = false;
    const talking = peers.map((peer) => talk(peer, () => told));
    await new Promise((resolve) => setTimeout(resolve, RUN_MS));
    told = true; // What was sent before the signal lies in the server's sockets: it is to be answered.
    const from = performance.now();
    const [counts] = await Promise.all([Promise.all(talking), server.stop()]);
    const took = performance.now() - from;
    const sent = counts.reduce((sum, count) => sum + count.sent, 0);
    const answered = counts.reduce((sum, count) => sum + count.answered, 0);
    return {
      measured: `${sent} sent, ${answered} answered, ended after ${took.toFixed(0)} ms`,
      passed: sent === answered && sent > 0 && took <= DEADLINE + 1000,
    };
  },
};
