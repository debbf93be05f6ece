/** What does a request cost an `http.Server` of Node's that gets its sockets from Heddle, and one that listens by itself? */
import { Child } from '../harness/child.ts';
import { pinned } from '../harness/cores.ts';
import { fixed, grouped, median, range } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { Contest, samplesOf } from '../harness/rounds.ts';
import { type RunningServer, startServer } from '../harness/server.ts';
import { threadTimes, timesBetween } from '../harness/thread-times.ts';
import { atMost } from '../harness/verdict.ts';

const CLIENTS = 50;
/** How long one run of wrk lasts, in s: it knows no shorter. The servers take turns after each. */
const SLICE_S = 1;
const BY_NODE = 1.05;
/** So long V8 goes on compiling, in ms: the threads beside the busiest one take 5 µs a request in the first second, 0.4 after the third. */
const WARM_MS = 4_000;

interface Sample {
  readonly requests: number;
  readonly cpuMs: number;
}

const times = (value: number): string => `${fixed(value, 2)} ×`;
const cost = ({ cpuMs, requests }: Sample): number => (cpuMs * 1_000) / requests;

/** Asks `server` for a slice, and reads the CPU time of all its threads before and after. */
async function slice(bench: Bench, server: RunningServer): Promise<Sample> {
  const before = threadTimes(server.pid);
  const words = ['-t1', `-c${CLIENTS}`, `-d${SLICE_S}s`, `http://127.0.0.1:${server.port}/`];
  const text = await new Child(pinned(bench.cores.load, ['wrk', ...words])).output();
  const cpuMs = timesBetween(before, threadTimes(server.pid)).reduce((sum, ms) => sum + ms, 0);
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(requests > 0) || /Socket errors|Non-2xx/.test(text)) throw new Error(`wrk had no clean run: ${text}`);
  return { requests, cpuMs };
}

/** Starts every server and warms it, then has them take turns: all have the same CPU, one at a time has work. */
async function measureRound(bench: Bench, contest: Contest, round: number): Promise<Map<ServerName, Sample>> {
  const servers = new Map<ServerName, RunningServer>();
  const sums = new Map<ServerName, Sample>();
  try {
    await contest.turn(round, async (program) => {
      const options = { framing: 'chunk', threads: 1, cpu: bench.cores.server } as const;
      const server = await startServer(bench.programs, program, options);
      servers.set(program.name, server);
      for (let ms = 0; ms < bench.warmMs; ms += SLICE_S * 1_000) await slice(bench, server);
    });
    for (let number = 0; number < bench.ms / 1_000 / SLICE_S; number++) {
      await contest.turn(round + number, async ({ name }) => {
        const { cpuMs, requests } = await slice(bench, servers.get(name) as RunningServer);
        const { cpuMs: before = 0, requests: earlier = 0 } = sums.get(name) ?? {};
        sums.set(name, { cpuMs: before + cpuMs, requests: earlier + requests });
      });
    }
    return sums;
  } finally {
    for (const server of servers.values()) await server.stop();
  }
}

function row({ name, title }: ServerProgram, samples: ReadonlyMap<ServerName, readonly Sample[]>): string[] {
  const own = samples.get(name) ?? [];
  const costs = own.map(cost);
  const requests = own.reduce((sum, sample) => sum + sample.requests, 0);
  return [title, fixed(median(costs), 2), range(costs, 2), times(ratio(samples, name)), grouped(requests)];
}

/** The median over the rounds of `name`'s cost by that of Node's own listener in the same round. */
function ratio(samples: ReadonlyMap<ServerName, readonly Sample[]>, name: ServerName): number {
  const yardstick = samples.get('node-http') ?? [];
  const ratios = (samples.get(name) ?? []).flatMap((sample, round) => {
    const other = yardstick[round];
    return other === undefined ? [] : [cost(sample) / cost(other)];
  });
  return median(ratios);
}

async function ask(bench: Bench): Promise<Answer> {
  const servers = contestants(streams, bench.programs);
  const contest = new Contest(bench, servers);
  const all = new Map<ServerName, Sample[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress(`streams, round ${round + 1} of ${bench.rounds}`);
    for (const [name, sample] of await measureRound(bench, contest, round)) all.get(name)?.push(sample);
  }
  const samples = samplesOf(contest, all);
  const title = `streams: server CPU a request to an http.Server, ${CLIENTS} clients of wrk, one thread`;
  const rows = servers.filter(({ name }) => samples.has(name)).map((server) => row(server, samples));
  const what = 'streams: http on a stream service by http on its own listener';
  return {
    tables: [{ title, columns: ['server', 'CPU µs', 'range', '× Node', 'requests'], rows }],
    verdicts: wanted(bench.programs, 'heddle-http', 'node-http')
      ? [atMost(what, ratio(samples, 'heddle-http'), BY_NODE, times)]
      : [],
    samples: Object.fromEntries(samples),
  };
}

export const streams: Question = {
  name: 'streams',
  servers: ['heddle-http', 'node-http'],
  defaults: { rounds: 5, warmMs: WARM_MS },
  ask,
};
