/** How long do light clients wait at worst beside clients that hold their threads? */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixed, median, range } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave, type Samples } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import type { Table } from '../harness/table.ts';
import { readTrace } from '../harness/trace.ts';
import { atMost, type Verdict } from '../harness/verdict.ts';
import { runWaitLoad, type WaitSample } from '../harness/wait-load.ts';
import { drawWaits } from '../harness/wait-picture.ts';

const LIGHTS = 32;
const THINK_MS = 10;
const BURN_MS = 200;
const BURNERS = [1, 4, 16];
/** What is asked of the worst wait, in ms, by the number of burners. */
const LIMITS: Readonly<Record<number, number>> = { 1: 10, 4: 25, 16: 50 };
/** A generator that was later than this, in µs, may have been what was measured. */
const LATE_US = 2_000;
const PEERS: readonly ServerName[] = ['go-burn', 'erlang-burn'];
const DRAWN: readonly ServerName[] = ['heddle-burn', 'cluster-burn'];

const milliseconds = (value: number): string => `${fixed(value, 1)} ms`;

const traceOf = (bench: Bench, name: ServerName): string => join(bench.programs.folder, `${name}.trace`);

/** Server and clients share the two CPUs, as they are; the clients' process runs before the server's where it may. */
async function measure(bench: Bench, program: ServerProgram, burners: number, traced: boolean): Promise<WaitSample> {
  const cpus = [bench.cores.server, bench.cores.load];
  const server = await startServer(bench.programs, program, { framing: 'line', cpu: cpus });
  try {
    return await runWaitLoad(bench.programs.lights, cpus, server.port, {
      lights: LIGHTS,
      burners,
      burnMs: BURN_MS,
      thinkMs: THINK_MS,
      warmMs: bench.warmMs,
      ms: bench.ms,
      ...(traced && { trace: traceOf(bench, program.name) }),
    });
  } finally {
    await server.stop();
  }
}

function row(bench: Bench, program: ServerProgram, own: readonly WaitSample[]): string[] {
  const of = (field: Exclude<keyof WaitSample, 'priority'>): number => median(own.map((sample) => sample[field]));
  const worst = own.map((sample) => sample.worstUs / 1_000);
  const late = own.map((sample) => sample.lateUs);
  const marked = late.filter((us) => us > LATE_US).length;
  return [
    program.title,
    fixed(median(worst), 1),
    range(worst, 1),
    fixed(of('p999Us') / 1_000, 1),
    fixed(of('p99Us') / 1_000, 1),
    fixed(of('medianUs') / 1_000, 2),
    fixed(of('warmWorstUs') / 1_000, 0),
    fixed((of('burns') * 1_000) / bench.ms, 1),
    fixed(Math.max(...late) / 1_000, 1),
    marked === 0 ? '–' : `${marked} of ${own.length}`,
  ];
}

const COLUMNS = [
  'worst ms',
  'range',
  'p99.9',
  'p99',
  'median',
  'warming up',
  'burns/s',
  'generator late',
  'late rounds',
];

function table(bench: Bench, burners: number, servers: readonly ServerProgram[], samples: Samples<WaitSample>): Table {
  const rows = servers.flatMap((server) => {
    const own = samples.get(server.name);
    return own === undefined || own.length === 0 ? [] : [row(bench, server, own)];
  });
  const title = `no-wait: waits of ${LIGHTS} light clients beside ${burners} that burn ${BURN_MS} ms a message, in ms`;
  return { title, columns: ['server', ...COLUMNS], rows };
}

function judge(bench: Bench, burners: number, samples: Samples<WaitSample>): Verdict[] {
  if (!wanted(bench.programs, 'heddle-burn')) return [];
  const worst = (name: ServerName): number => median((samples.get(name) ?? []).map((sample) => sample.worstUs / 1_000));
  const own = worst('heddle-burn');
  const what = `no-wait beside ${burners}: worst wait of Heddle's`;
  const limit = LIMITS[burners];
  const peers = PEERS.flatMap((name) => bench.programs.servers.get(name) ?? []);
  return [
    ...(limit === undefined ? [] : [atMost(`${what} clients`, own, limit, milliseconds)]),
    ...peers.map((peer) =>
      atMost(`${what} by ${peer.title}'s`, own / worst(peer.name), 1, (by) => `${fixed(by, 2)} ×`),
    ),
  ];
}

/** Draws the first seconds of the last round, whatever they were like. */
function draw(bench: Bench, file: string, burners: number): void {
  const panels = DRAWN.flatMap((name) => {
    const program = bench.programs.servers.get(name);
    return program === undefined ? [] : [{ title: program.title, replies: readTrace(traceOf(bench, name)) }];
  });
  writeFileSync(file, drawWaits(panels, { lights: LIGHTS, burners, burnMs: BURN_MS, ms: Math.min(2_500, bench.ms) }));
  bench.progress(`drew ${file}`);
}

async function askBeside(burners: number, bench: Bench, picture: string | undefined): Promise<Answer> {
  bench.progress(`no-wait, beside ${burners}`);
  const servers = contestants(noWait, bench.programs);
  const traced = (program: ServerProgram): boolean => picture !== undefined && DRAWN.includes(program.name);
  const samples = await interleave(bench, servers, bench.rounds, (program) =>
    measure(bench, program, burners, traced(program)),
  );
  if (picture !== undefined) draw(bench, picture, burners);
  return {
    tables: [table(bench, burners, servers, samples)],
    verdicts: judge(bench, burners, samples),
    samples: Object.fromEntries(samples),
  };
}

async function ask(bench: Bench): Promise<Answer> {
  const counts = bench.burners.length > 0 ? bench.burners : BURNERS;
  const answers: Answer[] = [];
  for (const [index, burners] of counts.entries()) {
    answers.push(await askBeside(burners, bench, index === 0 ? bench.picture : undefined));
  }
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: Object.fromEntries(answers.map(({ samples }, index) => [`beside ${counts[index]}`, samples])),
  };
}

export const noWait: Question = {
  name: 'no-wait',
  servers: ['heddle-burn', 'cluster-burn', 'go-burn', 'erlang-burn'],
  defaults: { ms: 10_000, warmMs: 5_000 },
  ask,
};
