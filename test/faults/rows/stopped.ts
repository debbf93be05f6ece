import { setTimeout as delay } from 'node:timers/promises';
import { Peer } from '../../server/peer.ts';
import { Certificates } from '../../system/certificates.ts';
import { connectTls } from '../../system/tls-clients.ts';
import { type Row, sum } from '../row.ts';

const CLIENTS = 20;
const TIMEOUT = 3000;
const STOPPED = 4500;
/** How long after the stop the clients speak. */
const SPEAK_AFTER = 1000;

export const stopped: Row = {
  fault: `the process stands still for ${STOPPED / 1000} s (SIGSTOP): ${CLIENTS} clients, plain and TLS, that say something meanwhile, half of them the rest of a message; idleTimeout and messageTimeout ${TIMEOUT / 1000} s`,
  asked: 'all are answered, none is closed',
  async run(stage) {
    using certificates = new Certificates();
    const authority = certificates.authority('authority');
    const limits = { framing: 'line', threads: 2, idleTimeout: TIMEOUT, messageTimeout: TIMEOUT } as const;
    const plain = await stage.start(limits);
    const secure = await stage.start({ ...limits, tls: certificates.issue('server', authority) });
    const peers = await Promise.all([
      ...Array.from({ length: CLIENTS }, () => Peer.connect(plain.port)),
      ...Array.from({ length: CLIENTS }, () => connectTls(secure.port, authority)),
    ]);
    await Promise.all(peers.map((peer) => peer.ask('hello')));
    for (const [index, peer] of peers.entries()) if (index % 2 === 0) peer.send('he');
    for (const { pid } of [plain, secure]) process.kill(pid, 'SIGSTOP');
    await delay(SPEAK_AFTER);
    for (const [index, peer] of peers.entries()) peer.send(index % 2 === 0 ? 'llo\n' : 'hello\n');
    await delay(STOPPED - SPEAK_AFTER);
    for (const { pid } of [plain, secure]) process.kill(pid, 'SIGCONT');
    const answers = await Promise.all(peers.map((peer) => peer.line().catch(() => 'none')));
    const stats = await Promise.all([plain.stats(), secure.stats()]);
    const closed = sum(stats.flatMap(({ closes }) => Object.values(closes)));
    const answered = answers.filter((answer) => answer === 'hello').length;
    for (const peer of peers) await peer.leave();
    return {
      measured: `${answered} of ${peers.length} answered, ${closed} closed`,
      passed: answered === peers.length && closed === 0,
    };
  },
};
