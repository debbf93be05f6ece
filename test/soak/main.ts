/**
 * Soaks a server, and one with TLS beside it: clients that come and go, clients that move away from burners. Fails if a
 * reply is wrong, memory grows or fds are lost. Usage: npm run soak [-- --minutes 30] [--deaths]
 *
 * With --deaths threads die and the service is reloaded as well. Memory is then not judged: koffi keeps some of it for
 * each thread that has ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FaultServer } from '../faults/fault-server.ts';
import { talk } from '../faults/loads.ts';
import { Peer } from '../server/peer.ts';
import { Certificates } from '../system/certificates.ts';
import { connectTls } from '../system/tls-clients.ts';
import { churn, type Traffic } from './clients.ts';
import { Watched } from './watched.ts';

const KILL_EVERY = 10_000;
const RELOAD_EVERY = 25_000;
/** How long of each minute there is work; then memory is measured. */
const WORK = 45_000;
const MINUTE = 60_000;
/** Light clients, and burners that make them move. */
const TALKERS = { lights: 50, burners: 2, burnMs: 50, thinkMs: 20, lossy: true, ms: MINUTE } as const;

interface Plan {
  readonly minutes: number;
  /** Threads die, and are replaced. */
  readonly deaths: boolean;
}

function plan(): Plan {
  const options = { minutes: { type: 'string', default: '30' }, deaths: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ options });
  const minutes = Number(values.minutes);
  if (Number.isInteger(minutes) && minutes >= 3) return { minutes, deaths: values.deaths };
  throw new Error(`--minutes must be a whole number, 3 or more, got ${values.minutes}`);
}

/** Acts every `ms` until `over`. */
async function every(ms: number, over: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!over.aborted) {
    await delay(ms, undefined, { signal: over }).catch(() => {});
    if (!over.aborted) await act();
  }
}

/** Ends the thread that it comes to, unless that ends before. */
async function kill(connect: () => Promise<Peer>): Promise<void> {
  const peer = await connect().catch(() => undefined);
  await peer?.send('exit\n').over();
  await peer?.leave();
}

/** Puts a server to work until `over`. */
async function work(
  server: FaultServer,
  connect: () => Promise<Peer>,
  { deaths }: Plan,
  traffic: Traffic,
  over: AbortSignal,
): Promise<void> {
  await Promise.all([
    churn(connect, traffic, over),
    deaths && every(KILL_EVERY, over, () => kill(connect)),
    deaths && every(RELOAD_EVERY, over, () => server.reload()),
  ]);
}

async function talkOn(server: FaultServer, traffic: Traffic, over: AbortSignal): Promise<void> {
  const until = new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  const { checked, lostResting, lostWaiting } = await talk(server, { ...TALKERS, until });
  traffic.right += checked;
  traffic.cutOff += lostResting + lostWaiting;
}

/**
 * What is freed is not to stay in use: garbage of the acceptor, half empty pages, holes in a heap of malloc for each thread. And
 * the young generation of each thread is as large at the start as it may become. Each of these changes by more than is looked for.
 */
const TIDY = fileURLToPath(new URL('../faults/tidy.mjs', import.meta.url));
const FLAGS = [
  '--import',
  TIDY,
  '--expose-gc',
  '--compact-on-every-full-gc',
  '--min-semi-space-size=2',
  '--max-semi-space-size=2',
];
const BEFORE = 'export MALLOC_ARENA_MAX=1;';

async function soak(asked: Plan): Promise<boolean> {
  using certificates = new Certificates();
  const authority = certificates.authority('authority');
  const threads = asked.deaths ? '2..6' : '4';
  const options = { framing: 'line', threads, shutdownTimeout: 5000 } as const;
  const plain = new Watched('plain', await FaultServer.start(options, BEFORE, FLAGS));
  const tls = certificates.issue('server', authority);
  const secure = new Watched('TLS', await FaultServer.start({ ...options, tls }, BEFORE, FLAGS));
  const traffic = { right: 0, wrong: 0, cutOff: 0 };
  for (let minute = 1; minute <= asked.minutes; minute++) {
    const next = delay(MINUTE);
    const over = AbortSignal.timeout(WORK);
    await Promise.all([
      work(plain.server, () => Peer.connect(plain.server.port), asked, traffic, over),
      work(secure.server, () => connectTls(secure.server.port, authority), asked, traffic, over),
      talkOn(plain.server, traffic, over),
    ]);
    const texts = await Promise.all([plain.measure(), secure.measure()]);
    const { right, wrong, cutOff } = traffic;
    console.log(`minute ${minute}: ${texts.join('; ')}; ${right} right, ${wrong} wrong, ${cutOff} cut off`);
    await next;
  }
  const ends = [await plain.end(asked.deaths), await secure.end(asked.deaths)];
  await Promise.all([plain.server.stop(), secure.server.stop()]);
  return traffic.wrong === 0 && ends.every((isWell) => isWell);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

process.exitCode = (await soak(plan())) ? 0 : 1;
