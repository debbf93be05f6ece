/**
 * Soaks a server, and one with TLS beside it: clients that come and go, clients that move away from burners, threads that die,
 * reloads. Fails if memory grows or fds are lost. Usage: npm run soak [-- --minutes 30]
 */
import { setTimeout as delay } from 'node:timers/promises';
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
const MINUTE = 60_000;
/** Light clients, and burners that make them move. */
const TALKERS = { lights: 50, burners: 2, burnMs: 50, thinkMs: 20, lossy: true, ms: MINUTE };

function minutes(): number {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
  const asked = Number(values.minutes);
  if (Number.isInteger(asked) && asked >= 3) return asked;
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
  traffic: Traffic,
  over: AbortSignal,
): Promise<void> {
  await Promise.all([
    churn(connect, traffic, over),
    every(KILL_EVERY, over, () => kill(connect)),
    every(RELOAD_EVERY, over, () => server.reload()),
  ]);
}

async function talkOn(server: FaultServer, traffic: Traffic, over: AbortSignal): Promise<void> {
  const until = new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  while (!over.aborted) {
    const { checked, lostResting, lostWaiting } = await talk(server, { ...TALKERS, until });
    traffic.right += checked;
    traffic.cutOff += lostResting + lostWaiting;
  }
}

/** Looks every second, and prints a line each minute. */
async function watch(watched: readonly Watched[], traffic: Traffic, count: number): Promise<void> {
  for (let minute = 1; minute <= count; minute++) {
    for (const end = performance.now() + MINUTE; performance.now() < end; await delay(1000)) {
      for (const one of watched) one.look();
    }
    const texts = watched.map((one) => one.minute());
    console.log(
      `minute ${minute}: ${texts.join('; ')}; ${traffic.right} right, ${traffic.wrong} wrong, ${traffic.cutOff} cut off`,
    );
  }
}

async function soak(count: number): Promise<boolean> {
  using certificates = new Certificates();
  const authority = certificates.authority('authority');
  const options = { framing: 'line', threads: '2..6' } as const;
  const plain = await FaultServer.start(options);
  const secure = await FaultServer.start({
    ...options,
    tls: certificates.issue('server', authority),
    shutdownTimeout: 5000,
  });
  const watched = [new Watched('plain', plain), new Watched('TLS', secure)];
  const traffic = { right: 0, wrong: 0, cutOff: 0 };
  const over = new AbortController();
  const working = Promise.all([
    work(plain, () => Peer.connect(plain.port), traffic, over.signal),
    work(secure, () => connectTls(secure.port, authority), traffic, over.signal),
    talkOn(plain, traffic, over.signal),
  ]);
  await Promise.race([watch(watched, traffic, count), working]);
  over.abort();
  await working;
  const ends = [await watched[0]?.end(), await watched[1]?.end()];
  await Promise.all([plain.stop(), secure.stop()]);
  console.log(`${traffic.right} replies right, ${traffic.wrong} wrong`);
  return traffic.wrong === 0 && ends.every((isWell) => isWell === true);
}

process.exitCode = (await soak(minutes())) ? 0 : 1;
