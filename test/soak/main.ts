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
/** How long of each minute there is work; then memory is measured. */
const WORK = 50_000;
const MINUTE = 60_000;
/** Light clients, and burners that make them move. */
const TALKERS = { lights: 50, burners: 2, burnMs: 50, thinkMs: 20, lossy: true, ms: MINUTE } as const;

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
  const { checked, lostResting, lostWaiting } = await talk(server, { ...TALKERS, until });
  traffic.right += checked;
  traffic.cutOff += lostResting + lostWaiting;
}

async function soak(count: number): Promise<boolean> {
  using certificates = new Certificates();
  const authority = certificates.authority('authority');
  const options = { framing: 'line', threads: '2..6', shutdownTimeout: 5000 } as const;
  const plain = new Watched('plain', await FaultServer.start(options));
  const secure = new Watched(
    'TLS',
    await FaultServer.start({ ...options, tls: certificates.issue('server', authority) }),
  );
  const traffic = { right: 0, wrong: 0, cutOff: 0 };
  for (let minute = 1; minute <= count; minute++) {
    const next = delay(MINUTE);
    const over = AbortSignal.timeout(WORK);
    await Promise.all([
      work(plain.server, () => Peer.connect(plain.server.port), traffic, over),
      work(secure.server, () => connectTls(secure.server.port, authority), traffic, over),
      talkOn(plain.server, traffic, over),
    ]);
    const texts = await Promise.all([plain.measure(), secure.measure()]);
    const { right, wrong, cutOff } = traffic;
    console.log(`minute ${minute}: ${texts.join('; ')}; ${right} right, ${wrong} wrong, ${cutOff} cut off`);
    await next;
  }
  const ends = [await plain.end(), await secure.end()];
  await Promise.all([plain.server.stop(), secure.server.stop()]);
  return traffic.wrong === 0 && ends.every((isWell) => isWell);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

process.exitCode = (await soak(minutes())) ? 0 : 1;
