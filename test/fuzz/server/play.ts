/** Puts a server of its own through a scenario: every byte must be right, and every connection must be accounted for. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FaultServer, type FaultStats } from '../../faults/fault-server.ts';
import { sum, within } from '../../faults/row.ts';
import { Peer } from '../../server/peer.ts';
import { Certificates } from '../../system/certificates.ts';
import { connectTls } from '../../system/tls-clients.ts';
import type { Scenario } from './scenario.ts';
import { DELIMITER, frame, type Seen, Visitor } from './visitor.ts';
import { messageOf } from './words.mjs';

export interface Played extends Seen {
  readonly accepted: number;
  readonly moves: number;
  readonly kills: number;
  readonly reloads: number;
  readonly closes: Readonly<Record<string, number>>;
}

/** How long all that clients leave behind may last, in ms. */
const GONE_WITHIN = 60_000;

/** Makes certificates once, for all servers of a run. */
let made: { certificates: Certificates; authority: ReturnType<Certificates['authority']>; pair: object } | undefined;

function credentials(): NonNullable<typeof made> {
  if (made !== undefined) return made;
  const certificates = new Certificates();
  process.once('exit', () => certificates[Symbol.dispose]());
  const authority = certificates.authority('authority');
  made = { certificates, authority, pair: certificates.issue('server', authority) };
  return made;
}

let sockets = 0;

interface Place {
  readonly server: FaultServer;
  readonly connect: () => Promise<Peer>;
}

async function start({ framing, kind, threads, transport }: Scenario): Promise<Place> {
  const { certificates, authority, pair } = credentials();
  const unix = join(certificates.folder, `${process.pid}-${sockets++}.sock`);
  const server = await FaultServer.start({
    service: fileURLToPath(new URL(`./${kind}-service.mjs`, import.meta.url)),
    framing: framing === 'delimiter' ? { delimiter: DELIMITER } : framing,
    threads,
    ...(transport === 'tls' && { tls: pair as { cert: string; key: string } }),
    ...(transport === 'unix' && { unix }),
  });
  const connect = (): Promise<Peer> => {
    if (transport === 'unix') return Peer.connectUnix(unix);
    return transport === 'tls' ? connectTls(server.port, authority) : Peer.connect(server.port);
  };
  return { server, connect };
}

/** Acts every `ms` until `over`; resolves with how often. 0: never. */
async function every(ms: number, over: AbortSignal, act: () => Promise<unknown>): Promise<number> {
  if (ms === 0) return 0;
  let times = 0;
  const isOver = async (): Promise<boolean> => {
    await delay(ms, undefined, { signal: over }).catch(() => {});
    return over.aborted;
  };
  for (; !(await isOver()); times++) await act();
  return times;
}

/** Ends the thread that it comes to; resolves when its own connection is gone. */
async function kill(connect: () => Promise<Peer>, framing: Scenario['framing']): Promise<void> {
  const peer = await connect().catch(() => undefined);
  const message = messageOf({ way: 'exit', wants: 0, nonce: 'exit', letters: 0 });
  await peer?.send(frame(framing, message)).over();
  await peer?.leave();
}

/** Sockets that the process has open. */
function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const isSocket = (fd: string): boolean => {
    try {
      return readlinkSync(join(folder, fd)).startsWith('socket:');
    } catch {
      return false; // It was closed meanwhile.
    }
  };
  return readdirSync(folder).filter(isSocket).length;
}

/** Plays `scenario` for `ms`; rejects if anything is wrong. */
export async function play(scenario: Scenario, ms: number): Promise<Played> {
  const { server, connect } = await start(scenario);
  try {
    const before = socketsOf(server.pid);
    // No AbortSignal.timeout in AbortSignal.any: Node 20 may collect it as garbage, and then it never fires.
    const stop = new AbortController();
    const over = stop.signal;
    const timer = setTimeout(() => stop.abort(), ms);
    const seen: Seen = { right: 0, cutOff: 0 };
    const visitors = Array.from({ length: scenario.clients }, (_, client) =>
      new Visitor(`client${client}`, scenario, connect, seen).visitUntil(over, client),
    );
    const [kills, reloads] = await Promise.all([
      every(scenario.killEvery, over, () => kill(connect, scenario.framing)),
      every(scenario.reloadEvery, over, () => server.reload()),
      ...visitors,
    ]).finally(() => {
      clearTimeout(timer);
      stop.abort();
    });
    await within(GONE_WITHIN, async () => (await server.stats()).clients === 0 && socketsOf(server.pid) <= before);
    const stats = await server.stats();
    checkEnds(scenario, stats, seen, { kills, reloads });
    assert.equal(socketsOf(server.pid), before, 'sockets that the server has open when all clients have gone');
    const { accepted, moves, closes } = stats;
    return { ...seen, accepted, moves: sum(Object.values(moves)), kills, reloads, closes: positive(closes) };
  } finally {
    await server.stop();
  }
}

const positive = (counts: FaultStats['closes']): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** How connections may end without a kill. Under TLS no client resets: it ends without a word, perhaps part-way. */
const ENDS = ['client-finished', 'client-reset'];
const ENDS_OF_TLS = [...ENDS, 'tls-error', 'bad-frame'];

interface Disturbed {
  readonly kills: number;
  readonly reloads: number;
}

function checkEnds(
  { transport, framing }: Scenario,
  stats: FaultStats,
  seen: Seen,
  { kills, reloads }: Disturbed,
): void {
  const closes = positive(stats.closes);
  const said = JSON.stringify(closes);
  assert.equal(stats.clients, 0, `clients that are left: ${said}`);
  assert.equal(sum(Object.values(closes)), stats.accepted, `closed ${said} of accepted`);
  // A Unix socket cannot be reset by Node: part of a message and the end are left over.
  const mayBe = transport === 'tcp' ? ENDS : transport === 'tls' ? ENDS_OF_TLS : [...ENDS, 'bad-frame'];
  // Clients that cannot move are cut off when their thread, with old code, has to end.
  const deaths = ['thread-exit', ...(reloads > 0 ? ['shutdown'] : [])];
  const odd = Object.keys(closes).filter((reason) => !deaths.includes(reason) && !mayBe.includes(reason));
  assert.deepEqual(odd, [], `close reasons that nothing explains with framing ${framing}: ${said}`);
  const exits = sum(deaths.map((reason) => closes[reason] ?? 0));
  if (kills === 0) assert.equal(closes['thread-exit'] ?? 0, 0, `no thread was ended: ${said}`);
  assert(
    seen.cutOff <= exits,
    `${seen.cutOff} clients were cut off, and ${exits} connections ended with their thread: ${said}`,
  );
}
