import { fileURLToPath } from 'node:url';
import { Child } from '../../../bench/harness/child.ts';
import { type Row, within } from '../row.ts';

const SILENT = 50;
const WAITING = 50;
const KEEP_ALIVE = 1000;
const PEERS = fileURLToPath(new URL('../dark-peers.py', import.meta.url));
/** Puts the server into a network of its own. */
const OWN_NETWORK = `exec unshare --user --map-root-user --net sh -c 'ip link set lo up; exec "$0" "$@"' "$0" "$@";`;

export const deadPeers: Row = {
  fault: `the network goes away under ${SILENT + WAITING} clients (no end is sent): ${SILENT} silent, ${WAITING} to whom a reply is on its way; idleTimeout never`,
  asked: 'all closed by twice keepAlive + 2 s (the kernel counts in seconds); fds back',
  async run(stage) {
    const options = { framing: 'line', threads: 2, idleTimeout: 'never', sendTimeout: 1000 } as const;
    const server = await stage.start({ ...options, keepAlive: KEEP_ALIVE }, OWN_NETWORK);
    const before = server.fds;
    const inside = ['nsenter', '--user', '--net', '--preserve-credentials', '--target', `${server.pid}`];
    const peers = new Child([...inside, 'python3', PEERS, `${server.port}`, `${SILENT}`, `${WAITING}`]);
    await peers.line(/^dark$/);
    const from = performance.now();
    await within(2 * KEEP_ALIVE + 10_000, async () => (await server.stats()).clients === 0);
    const took = performance.now() - from;
    const { clients, closes } = await server.stats();
    const { fds } = server;
    await peers.stop();
    return {
      measured: `${closes['client-reset']} closed as client-reset after ${(took / 1000).toFixed(1)} s of ${(2 * KEEP_ALIVE) / 1000}, ${clients} still there; fds ${before} → ${fds}`,
      passed: closes['client-reset'] === SILENT + WAITING && took <= 2 * KEEP_ALIVE + 2000 && fds <= before,
    };
  },
};
