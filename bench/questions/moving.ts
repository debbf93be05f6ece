/** What does it cost that clients can move, and how even does it keep the threads? */
import { setTimeout as sleep } from 'node:timers/promises';
import { AskedServer, type AskedStats } from '../harness/asked-server.ts';
import { Child } from '../harness/child.ts';
import { burnOnce } from '../harness/control-client.ts';
import { costRatio, costTable, measureCost } from '../harness/cost.ts';
import { runLoad } from '../harness/load.ts';
import { fixed, median, range } from '../harness/numbers.ts';
import type { ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { startServer } from '../harness/server.ts';
import { threadTimes, timesBetween } from '../harness/thread-times.ts';
import { atMost, type Verdict } from '../harness/verdict.ts';
import { runWaitLoad } from '../harness/wait-load.ts';

/** Of a difference of 3 %, fewer rounds say nothing. */
const COST_ROUNDS = 5;
const COST_LIMIT = 1.03;
const IDLE_CLIENTS = 1_000;
const IDLE_MS = 5_000;
/** After a load V8 tidies up once, some eight seconds later and for some 100 ms in all: that is not what idling costs. */
const REST_MS = 12_000;
const IDLE_LIMIT = 0.01;
const SETTLE_MS = 1_000;

const EVEN_CLIENTS = 1_000;
const EVEN_THREADS = 4;
const EVEN_LIMIT = 1.25;
const EVEN_WITHIN_MS = 1_000;
const EVEN_PATIENCE_MS = 10_000;
const HOLD_MS = 3_000;
const THINK_MS = 200;
const POLL_MS = 10;

const percent = (value: number): string => `${fixed(value * 100, 2)} %`;
const times = (value: number): string => `${fixed(value, 3)} ×`;
const milliseconds = (value: number): string => `${fixed(value, 0)} ms`;

const LOAD = { clients: 64, bytes: 64, depth: 1, lines: false };

async function askCost(bench: Bench): Promise<Answer> {
  bench.progress('moving: what it costs a message');
  const servers = contestants(moving, bench.programs);
  const rounds = Math.max(COST_ROUNDS, bench.rounds);
  const samples = await measureCost({ ...bench, rounds }, servers, { framing: 'chunk', load: LOAD, slice: bench });
  const ratio = costRatio(samples, 'heddle', 'heddle-never');
  const title = `moving: server CPU a message of ${LOAD.bytes} bytes, ${LOAD.clients} clients, one service thread`;
  return {
    tables: [costTable(title, servers, samples, 3)],
    verdicts: wanted(bench.programs, 'heddle', 'heddle-never')
      ? [atMost('moving: cost of a message by that without moving', ratio, COST_LIMIT, times)]
      : [],
    samples: Object.fromEntries(samples),
  };
}

interface IdleSample {
  /** CPU time of all threads but the busiest, which serves, by that of all: acceptor, main, collectors, compilers. */
  readonly others: number;
  /** CPU time of the process by the time, while nobody says anything. */
  readonly idle: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

async function shareOfOthers(bench: Bench, program: ServerProgram): Promise<number> {
  const server = await startServer(bench.programs, program, { framing: 'chunk', threads: 1, cpu: bench.cores.server });
  try {
    const load = runLoad(bench.programs.load, bench.cores.load, server, {
      ...LOAD,
      warmMs: bench.warmMs,
      ms: bench.ms,
    });
    await Promise.race([sleep(bench.warmMs), load]);
    const before = threadTimes(server.pid);
    await load;
    const used = timesBetween(before, threadTimes(server.pid));
    return sum(used.slice(1)) / sum(used);
  } finally {
    await server.stop();
  }
}

/** With clients that stay connected, each of which has spoken, after a load that all threads had a part in. */
async function idleShare(bench: Bench, program: ServerProgram): Promise<number> {
  const server = await startServer(bench.programs, program, { framing: 'chunk' });
  const idle = new Child([bench.programs.idle, String(server.port), String(IDLE_CLIENTS), '1']);
  try {
    await idle.line(/^ready$/);
    await runLoad(bench.programs.load, bench.cores.load, server, { ...LOAD, warmMs: 0, ms: bench.ms });
    await sleep(REST_MS);
    const before = threadTimes(server.pid);
    const start = performance.now();
    await sleep(IDLE_MS);
    return sum(timesBetween(before, threadTimes(server.pid))) / (performance.now() - start);
  } finally {
    await idle.stop();
    await server.stop();
  }
}

async function askIdle(bench: Bench): Promise<Answer> {
  const program = bench.programs.servers.get('heddle');
  if (program === undefined) return { tables: [], verdicts: [], samples: [] };
  const samples: IdleSample[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress(`  moving, round ${round + 1} of ${bench.rounds}: other threads, idle CPU`);
    samples.push({ others: await shareOfOthers(bench, program), idle: await idleShare(bench, program) });
  }
  const [others, idle] = [samples.map((sample) => sample.others), samples.map((sample) => sample.idle)];
  const row = (title: string, values: number[]): string[] => [
    title,
    percent(median(values)),
    `${percent(Math.min(...values))} – ${percent(Math.max(...values))}`,
  ];
  const rows = [
    row('under load: all threads but the one that serves, of the CPU used', others),
    row('idle, of one CPU', idle),
  ];
  const title = `moving: CPU beside serving; idle with ${IDLE_CLIENTS} clients connected, for ${IDLE_MS / 1_000} s, ${IDLE_MS / 1_000} s after load`;
  return {
    tables: [{ title, columns: ['', 'median', 'range'], rows }],
    verdicts: [atMost('moving: CPU of the idle process', median(idle), IDLE_LIMIT, percent)],
    samples,
  };
}

interface EvenSample {
  /** Busiest by mean, of clients: as soon as all are connected, a second later, and while one thread is blocked. */
  readonly connected: number;
  readonly later: number;
  readonly held: number;
  readonly heldClients: number;
  /** How long after the blocked thread was let go the busiest was within the limit; NaN: it never was. */
  readonly evenMs: number;
}

const unevenness = ({ threads }: AskedStats): number => (Math.max(...threads) * EVEN_THREADS) / sum(threads);

async function statsWhen(server: AskedServer, good: (stats: AskedStats) => boolean): Promise<AskedStats | undefined> {
  const deadline = performance.now() + EVEN_PATIENCE_MS;
  while (performance.now() < deadline) {
    const stats = await server.stats();
    if (good(stats)) return stats;
    await sleep(POLL_MS);
  }
  return undefined;
}

async function watchEvenness(server: AskedServer): Promise<EvenSample> {
  const connected = await statsWhen(server, ({ clients }) => clients >= EVEN_CLIENTS);
  if (connected === undefined) throw new Error(`${EVEN_CLIENTS} clients were not connected in time`);
  await sleep(SETTLE_MS);
  const later = await server.stats();
  const hold = burnOnce(server.port, HOLD_MS);
  await sleep(HOLD_MS / 2);
  const held = await server.stats();
  await hold;
  const letGo = performance.now();
  const even = await statsWhen(server, (stats) => unevenness(stats) <= EVEN_LIMIT);
  return {
    connected: unevenness(connected),
    later: unevenness(later),
    held: unevenness(held),
    heldClients: Math.min(...held.threads.toSorted((a, b) => b - a).slice(0, EVEN_THREADS)),
    evenMs: even === undefined ? NaN : performance.now() - letGo,
  };
}

async function measureEvenness(bench: Bench): Promise<EvenSample> {
  const server = await AskedServer.start('burn.mjs', String(EVEN_THREADS));
  const done = new AbortController();
  const until = new Promise<void>((resolve) => done.signal.addEventListener('abort', () => resolve()));
  const cpus = [bench.cores.server, bench.cores.load];
  const load = { lights: EVEN_CLIENTS, burners: 0, burnMs: 0, thinkMs: THINK_MS, warmMs: 500, ms: 60_000, until };
  const talk = runWaitLoad(bench.programs.lights, cpus, server.port, load);
  try {
    const [sample] = await Promise.all([watchEvenness(server).finally(() => done.abort()), talk]);
    return sample;
  } finally {
    await server.stop();
  }
}

function judgeEvenness(samples: readonly EvenSample[]): Verdict[] {
  const of = (field: keyof EvenSample): number => median(samples.map((sample) => sample[field]));
  const who = `${EVEN_CLIENTS} clients on ${EVEN_THREADS} threads`;
  return [
    atMost(`moving: ${who}, busiest by mean when connected`, of('connected'), EVEN_LIMIT, times),
    atMost(`moving: ${who}, busiest by mean a second later`, of('later'), EVEN_LIMIT, times),
    atMost(`moving: ${who}, even again after a thread is let go`, of('evenMs'), EVEN_WITHIN_MS, milliseconds),
  ];
}

async function askEvenness(bench: Bench): Promise<Answer> {
  const samples: EvenSample[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress(
      `  moving, round ${round + 1} of ${bench.rounds}: ${EVEN_CLIENTS} clients on ${EVEN_THREADS} threads`,
    );
    samples.push(await measureEvenness(bench));
  }
  const row = (title: string, field: keyof EvenSample, digits: number): string[] => {
    const values = samples.map((sample) => sample[field]);
    return [title, fixed(median(values), digits), range(values, digits)];
  };
  const rows = [
    row('busiest by mean: when all are connected', 'connected', 3),
    row('a second later', 'later', 3),
    row('while one thread is blocked', 'held', 3),
    row('clients left on the blocked thread', 'heldClients', 0),
    row(`busiest ≤ ${EVEN_LIMIT} × mean again, after it was let go: ms`, 'evenMs', 0),
  ];
  const title = `moving: ${EVEN_CLIENTS} clients, each a line every ${THINK_MS} ms, on ${EVEN_THREADS} threads, one held for ${HOLD_MS / 1_000} s of CPU time`;
  return { tables: [{ title, columns: ['', 'median', 'range'], rows }], verdicts: judgeEvenness(samples), samples };
}

async function ask(bench: Bench): Promise<Answer> {
  const parts = { cost: await askCost(bench), idle: await askIdle(bench), even: await askEvenness(bench) };
  const answers = Object.values(parts);
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: Object.fromEntries(Object.entries(parts).map(([name, { samples }]) => [name, samples])),
  };
}

export const moving: Question = { name: 'moving', servers: ['heddle-never', 'heddle'], ask };
