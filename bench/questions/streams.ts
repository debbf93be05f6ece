/** What does a message cost a library of Node's that gets its sockets from Heddle, and one that listens by itself? */
import { fixed, grouped, median, range, spread } from '../harness/numbers.ts';
import type { ServerKind, ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { Contest, type Samples, samplesOf } from '../harness/rounds.ts';
import { type RunningServer, startServer } from '../harness/server.ts';
import { type StreamLoad, type StreamLoadKind, startStreamLoad } from '../harness/stream-load.ts';
import { threadTimes, timesBetween } from '../harness/thread-times.ts';
import { atMost } from '../harness/verdict.ts';

/** How long a turn of a server lasts, in s: `wrk` knows no shorter. */
const SLICE_S = 1;
const BY_NODE = 1.05;
/** So long V8 goes on compiling, in ms: the threads beside the busiest one take 5 µs a request in the first second, 0.4 after the third. */
const WARM_MS = 4_000;

interface Library {
  readonly load: StreamLoadKind;
  /** What its messages are, and from whom. */
  readonly what: string;
  readonly onHeddle: ServerKind;
  readonly onItsOwn: ServerKind;
}

const mqtt = { onHeddle: 'heddle-mqtt', onItsOwn: 'node-mqtt' } as const;
const publishers = '16 publishers, one subscriber';
const LIBRARIES: readonly Library[] = [
  { load: 'http', what: 'requests of 50 clients of wrk', onHeddle: 'heddle-http', onItsOwn: 'node-http' },
  { load: 'ws', what: 'echoes of 100 bytes to 64 clients', onHeddle: 'heddle-ws', onItsOwn: 'node-ws' },
  { load: 'mqtt-qos-0', what: `messages of 100 bytes, ${publishers}`, ...mqtt },
  { load: 'mqtt-qos-1', what: `messages of 100 bytes, ${publishers}`, ...mqtt },
];

interface Sample {
  readonly messages: number;
  readonly cpuMs: number;
  /** Part of the time that the load was on its CPU. */
  readonly loadBusy: number;
}

/** A server and the load on it. */
interface Pair {
  readonly server: RunningServer;
  readonly load: StreamLoad;
}

const times = (value: number): string => `${fixed(value, 2)} ×`;
const cost = ({ cpuMs, messages }: Sample): number => (cpuMs * 1_000) / messages;

/** Has the load run for a slice, and reads the CPU time of all threads of its server before and after. */
async function slice({ server, load }: Pair): Promise<Sample> {
  const before = threadTimes(server.pid);
  const { messages, busy } = await load.slice(SLICE_S);
  const cpuMs = timesBetween(before, threadTimes(server.pid)).reduce((sum, ms) => sum + ms, 0);
  return { messages, cpuMs, loadBusy: busy };
}

function addUp(slices: readonly Sample[]): Sample {
  return {
    messages: slices.reduce((sum, { messages }) => sum + messages, 0),
    cpuMs: slices.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    loadBusy: median(slices.map(({ loadBusy }) => loadBusy)),
  };
}

/** Starts every server and warms it, then has them take turns: all have the same CPU, one at a time has work. */
async function measureRound(
  bench: Bench,
  { load: kind }: Library,
  contest: Contest,
  round: number,
): Promise<Map<ServerName, Sample>> {
  const pairs = new Map<ServerName, Pair>();
  const slices = new Map<ServerName, Sample[]>();
  try {
    await contest.turn(round, async (program) => {
      const options = { framing: 'chunk', threads: 1, cpu: bench.cores.server } as const;
      const server = await startServer(bench.programs, program, options);
      const pair = { server, load: startStreamLoad(kind, server.port, bench.cores.load) };
      pairs.set(program.name, pair);
      for (let ms = 0; ms < bench.warmMs; ms += SLICE_S * 1_000) await slice(pair);
    });
    for (let number = 0; number < bench.ms / 1_000 / SLICE_S; number++) {
      await contest.turn(round + number, async ({ name }) => {
        const sample = await slice(pairs.get(name) as Pair);
        slices.set(name, [...(slices.get(name) ?? []), sample]);
      });
    }
    return new Map([...slices].map(([name, own]) => [name, addUp(own)]));
  } finally {
    for (const { server, load } of pairs.values()) {
      await load.stop();
      await server.stop();
    }
  }
}

/** The cost of `name` by that of the library's own listener in the same round, for each round. */
function ratios({ onItsOwn }: Library, samples: Samples<Sample>, name: ServerName): number[] {
  const yardstick = samples.get(onItsOwn) ?? [];
  return (samples.get(name) ?? []).flatMap((sample, round) => {
    const other = yardstick[round];
    return other === undefined ? [] : [cost(sample) / cost(other)];
  });
}

function row(library: Library, { name, title }: ServerProgram, samples: Samples<Sample>): string[] {
  const own = samples.get(name) ?? [];
  const costs = own.map(cost);
  const { messages, loadBusy } = addUp(own);
  const byOwn = spread(ratios(library, samples, name), 2);
  return [title, fixed(median(costs), 2), range(costs, 2), byOwn, grouped(messages), fixed(loadBusy * 100, 0)];
}

/** Measures one library on each of `servers`. */
async function askOf(bench: Bench, library: Library, servers: readonly ServerProgram[]): Promise<Answer> {
  const contest = new Contest(bench, servers);
  const all = new Map<ServerName, Sample[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress(`streams, ${library.load}, round ${round + 1} of ${bench.rounds}`);
    for (const [name, sample] of await measureRound(bench, library, contest, round)) all.get(name)?.push(sample);
  }
  const samples = samplesOf(contest, all);
  const { load, what, onHeddle, onItsOwn } = library;
  const columns = ['server', 'CPU µs', 'range', '× own listener', 'messages', 'load busy %'];
  const rows = servers.filter(({ name }) => samples.has(name)).map((server) => row(library, server, samples));
  const asked = `streams: ${load} on a stream service by ${load} on its own listener`;
  return {
    tables: [{ title: `streams: server CPU a message of ${load}: ${what}, one thread`, columns, rows }],
    verdicts: wanted(bench.programs, onHeddle, onItsOwn)
      ? [atMost(asked, median(ratios(library, samples, onHeddle)), BY_NODE, times)]
      : [],
    samples: Object.fromEntries(samples),
  };
}

async function ask(bench: Bench): Promise<Answer> {
  const answers = new Map<string, Answer>();
  for (const library of LIBRARIES) {
    const { load, onHeddle, onItsOwn } = library;
    const own = contestants(streams, bench.programs).filter(({ name }) =>
      [onHeddle, onItsOwn, `${onHeddle}:old`].includes(name),
    );
    if (own.length > 0) answers.set(load, await askOf(bench, library, own));
  }
  return {
    tables: [...answers.values()].flatMap(({ tables }) => tables),
    verdicts: [...answers.values()].flatMap(({ verdicts }) => verdicts),
    samples: Object.fromEntries([...answers].map(([load, { samples }]) => [load, samples])),
  };
}

export const streams: Question = {
  name: 'streams',
  servers: ['heddle-http', 'node-http', 'heddle-ws', 'node-ws', 'heddle-mqtt', 'node-mqtt'],
  defaults: { rounds: 5, warmMs: WARM_MS },
  ask,
};
