/** What does a client cost that connects, asks once and goes? */
import { type ClientSample, runClients } from '../harness/client-load.ts';
import { fixed, grouped, median, range, spread } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave, type Samples } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import type { Table } from '../harness/table.ts';
import { atLeast, atMost, type Verdict } from '../harness/verdict.ts';

const AT_ONCE = [1, 32] as const;
const SOURCES = 250;
const BY_NODE = 0.95;

type Sample = ClientSample<'visit', 'measured'>;

const times = (value: number): string => `${fixed(value, 2)} ×`;

/** The server has one CPU, and the clients the other. */
async function measure(bench: Bench, program: ServerProgram, clients: number): Promise<Sample> {
  const server = await startServer(bench.programs, program, { framing: 'line', threads: 1, cpu: bench.cores.server });
  try {
    return await runClients(bench.programs.lights, bench.cores.load, server, {
      groups: { visit: { clients, kind: 'light', visits: true, sources: SOURCES } },
      windows: { measured: { fromMs: bench.warmMs, toMs: bench.warmMs + bench.ms } },
      ms: bench.warmMs + bench.ms,
    });
  } finally {
    await server.stop();
  }
}

const count = ({ windows }: Sample): number => windows.measured.groups.visit.answered;
const cost = (sample: Sample): number => (sample.windows.measured.serverCpuMs * 1_000) / count(sample);

/** The median over the rounds of `name`'s figure by that of `other` in the same round. */
function ratio(
  samples: Samples<Sample>,
  name: ServerName,
  other: ServerName,
  figure: (sample: Sample) => number,
): number {
  const others = samples.get(other)?.map(figure) ?? [];
  return median((samples.get(name) ?? []).map((sample, round) => figure(sample) / (others[round] ?? NaN)));
}

function row(bench: Bench, { name, title }: ServerProgram, samples: Samples<Sample>): string[] {
  const own = samples.get(name) ?? [];
  const visits = own.map(({ windows }) => windows.measured.groups.visit);
  return [
    title,
    grouped(median(own.map(count))),
    range(own.map(count), 0),
    times(ratio(samples, name, 'node', count)),
    spread(own.map(cost), 1),
    times(ratio(samples, name, 'node', cost)),
    `${fixed((median(own.map(({ windows }) => windows.measured.serverCpuMs)) * 100) / bench.ms, 0)} %`,
    fixed(median(visits.map(({ medianUs }) => medianUs)), 0),
    fixed(median(visits.map(({ worstUs }) => worstUs)) / 1_000, 1),
  ];
}

const COLUMNS = ['server', 'connections', 'range', '× Node', 'CPU µs each', '× Node', 'busy', 'median µs', 'worst ms'];

function judge(bench: Bench, clients: number, samples: Samples<Sample>): Verdict[] {
  const what = `connections, ${clients} at once`;
  return [
    ...(wanted(bench.programs, 'heddle', 'node')
      ? [atLeast(`${what}: Heddle by Node`, ratio(samples, 'heddle', 'node', count), BY_NODE, times)]
      : []),
    ...(samples.has('heddle:old')
      ? [atMost(`${what}: CPU of each by before`, ratio(samples, 'heddle', 'heddle:old', cost), 1.02, times)]
      : []),
  ];
}

async function askAt(clients: number, bench: Bench): Promise<Answer> {
  bench.progress(`connections, ${clients} at once`);
  const servers = contestants(connections, bench.programs);
  const samples = await interleave(bench, servers, bench.rounds, (program) => measure(bench, program, clients));
  const title = `connections: clients that connect, ask once and go in ${bench.ms / 1_000} s, ${clients} at once, the server on one CPU`;
  const rows = servers.filter(({ name }) => samples.has(name)).map((server) => row(bench, server, samples));
  const table: Table = { title, columns: COLUMNS, rows };
  return { tables: [table], verdicts: judge(bench, clients, samples), samples: Object.fromEntries(samples) };
}

async function ask(bench: Bench): Promise<Answer> {
  const answers: Answer[] = [];
  for (const clients of AT_ONCE) answers.push(await askAt(clients, bench));
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: Object.fromEntries(answers.map(({ samples }, index) => [`${AT_ONCE[index]} at once`, samples])),
  };
}

export const connections: Question = {
  name: 'connections',
  servers: ['c', 'heddle', 'node', 'go'],
  defaults: { ms: 3_000 },
  ask,
};
