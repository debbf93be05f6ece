import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { type Row, within } from '../row.ts';

const MIB = 2 ** 20;
const COUNT = 600;
const HALF = Buffer.alloc(MIB, 'h');
const OPTIONS = {
  framing: 'line',
  threads: 2,
  maxMessageLength: '2MiB',
  messageTimeout: '5m',
  sendTimeout: '5m',
} as const;
/** How much more memory than before the process may have 15 s after all have left. */
const LEFT_OVER = 40 * MIB;

const inMib = (bytes: number): string => String(Math.round(bytes / MIB) + 0);

/** Clients with halves of 1 MiB, and after them clients that ask for 8 MiB each and read nothing. */
async function load(server: FaultServer): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, server.memory)), 20);
  for (const half of [true, false]) {
    const peers = await Peer.connectAll(server.port, COUNT);
    for (const { socket } of peers) {
      if (half) socket.write(HALF);
      else socket.pause().write('large 8000000\n');
    }
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await Promise.all(peers.map((peer) => peer.leave()));
  }
  clearInterval(timer);
  return peak;
}

/** What the process has beyond `before`, at its least within 15 s. */
async function leftOver(server: FaultServer, before: number): Promise<number> {
  let least = Infinity;
  await within(15_000, () => (least = Math.min(least, server.memory - before)) <= LEFT_OVER);
  return least;
}

export const memoryBack: Row = {
  fault: `${COUNT} clients with halves of 1 MiB, then ${COUNT} that ask for 8 MB each and read nothing; all leave`,
  asked: `15 s later the process has at most ${inMib(LEFT_OVER)} MiB more than before`,
  async run(stage) {
    const server = await stage.start({ ...OPTIONS, maxUnsent: '16MiB' });
    const before = server.memory;
    const peak = await load(server);
    const left = await leftOver(server, before);
    return {
      measured: `${inMib(before)} MiB before, ${inMib(peak)} at most, then +${inMib(left)}`,
      passed: left <= LEFT_OVER,
    };
  },
};

const LIMIT = 128;
/** What each thread may have beside: memory of clients that were closed, which V8 has not collected yet. */
const GARBAGE = 192;
const MOST = (LIMIT + OPTIONS.threads * GARBAGE) * MIB;

export const maxMemory: Row = {
  fault: `the same with maxMemory ${LIMIT} MiB`,
  asked: `memory grows by at most that and ${GARBAGE} MiB of garbage for each of 2 threads; closed as over-limit; small clients are served meanwhile; memory comes back`,
  async run(stage) {
    const server = await stage.start({ ...OPTIONS, maxUnsent: '16MiB', maxMemory: LIMIT * MIB });
    const before = server.memory;
    const small = await Peer.connect(server.port);
    let answers = 0;
    const loading = new AbortController();
    const talking = (async () => {
      for (; !loading.signal.aborted; answers++)
        if ((await small.ask('hello')) !== 'hello') throw new Error('a wrong answer');
    })();
    const peak = await load(server);
    loading.abort();
    await talking;
    await small.leave();
    const left = await leftOver(server, before);
    const { closes } = await server.stats();
    return {
      measured: `+${inMib(peak - before)} MiB at most, ${closes['over-limit']} closed as over-limit, ${answers} answers to a small client; then +${inMib(left)} MiB`,
      passed: peak - before <= MOST && (closes['over-limit'] ?? 0) > 0 && answers > 100 && left <= LEFT_OVER,
    };
  },
};
