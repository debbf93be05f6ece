/** Does a server say of waits what its clients have measured, beside clients that block its threads? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOn } from '../harness/beside.ts';
import { fixed, grouped, median } from '../harness/numbers.ts';
import type { ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import type { RunningServer } from '../harness/server.ts';
import { readTrace } from '../harness/trace.ts';
import { atLeast, atMost, type Verdict } from '../harness/verdict.ts';
import { jsonAt, withWatchedServer } from '../harness/watched.ts';

const LIGHTS = 32;
const THINK_MS = 10;
const BURN_MS = 200;

interface Variant {
  readonly title: string;
  readonly burners: number;
  readonly threads?: number;
  readonly options?: Readonly<Record<string, string>>;
}

const VARIANTS: readonly Variant[] = [
  { title: '1 burner', burners: 1 },
  { title: '4 burners', burners: 4 },
  { title: '16 burners', burners: 16 },
  { title: '4 burners on 4 threads, moveAfter never', burners: 4, threads: 4, options: { HEDDLE_MOVE_AFTER: 'never' } },
];

/** What the server may say by what clients have measured; of waits below this many ms, the difference says nothing. */
const [LEAST, MOST] = [0.8, 1.5];
const CLOSE_MS = 0.2;

/** In ms. */
interface Waits {
  readonly count: number;
  readonly p999: number;
  readonly worst: number;
}

interface Sample {
  readonly clients: Waits;
  readonly server: Waits;
}

/** Of the server's answer: the buckets' upper bounds in s, and how many waits each has. */
interface Told {
  readonly bounds: readonly number[];
  readonly response: readonly number[];
  readonly longestResponseMs: number;
}

const SHARE = 0.999;

function exactly(waits: readonly number[]): Waits {
  const sorted = waits.toSorted((one, other) => one - other);
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * SHARE));
  return { count: sorted.length, p999: sorted[at] ?? NaN, worst: sorted.at(-1) ?? NaN };
}

/** Waits of a bucket are taken for the middle of it, on a scale of powers. */
function fromBuckets({ bounds, longestResponseMs, response }: Told): Waits {
  const count = response.reduce((sum, each) => sum + each, 0);
  let [left, bucket] = [Math.floor(count * SHARE), 0];
  while (bucket < response.length - 1 && left >= (response[bucket] as number)) left -= response[bucket++] as number;
  const [to = NaN, from = to] = [bounds[bucket], bounds[bucket - 1]];
  return { count, p999: Math.sqrt(from * to) * 1000, worst: longestResponseMs };
}

async function measureServer(bench: Bench, server: RunningServer, control: string, burners: number): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const trace = join(folder, 'trace');
  try {
    await runOn(bench, server, {
      groups: {
        light: { clients: LIGHTS, kind: 'light', thinkMs: THINK_MS },
        burn: { clients: burners, kind: 'cpu', burnMs: BURN_MS },
      },
      windows: { measured: { fromMs: 0, toMs: bench.ms } },
      ms: bench.ms,
      trace,
    });
    const clients = readTrace(trace, 0, LIGHTS).map(({ waitMs }) => waitMs);
    return { clients: exactly(clients), server: fromBuckets(await jsonAt<Told>(control, '/v1/snapshot')) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measure(bench: Bench, program: ServerProgram, { burners, options, threads }: Variant): Promise<Sample> {
  const cpu = [bench.cores.server, bench.cores.load];
  const serving = { framing: 'line', cpu, ...(threads === undefined ? {} : { threads }) } as const;
  const inside = (server: RunningServer, control: string): Promise<Sample> =>
    measureServer(bench, server, control, burners);
  return withWatchedServer(bench, program, serving, inside, options);
}

const FIGURES = ['p999', 'worst'] as const;
const NAMES = { p999: 'p99.9', worst: 'worst' } as const;

/** What the server says by what clients say: 1 where the difference is too small to matter. */
function ratio(samples: readonly Sample[], figure: (typeof FIGURES)[number]): number {
  return median(
    samples.map(({ clients, server }) =>
      Math.abs(server[figure] - clients[figure]) <= CLOSE_MS ? 1 : server[figure] / clients[figure],
    ),
  );
}

function row({ title }: Variant, samples: readonly Sample[]): string[] {
  const of = (pick: (sample: Sample) => number): string => fixed(median(samples.map(pick)), 1);
  return [
    title,
    grouped(samples.reduce((sum, { clients }) => sum + clients.count, 0)),
    ...FIGURES.flatMap((figure) => [
      of(({ clients }) => clients[figure]),
      of(({ server }) => server[figure]),
      fixed(ratio(samples, figure), 2),
    ]),
  ];
}

function judge({ title }: Variant, samples: readonly Sample[]): Verdict[] {
  const show = (value: number): string => `${fixed(value, 2)} ×`;
  return FIGURES.flatMap((figure) => {
    const what = `wait-truth: ${NAMES[figure]} as the server says, ${title}`;
    return [atLeast(what, ratio(samples, figure), LEAST, show), atMost(what, ratio(samples, figure), MOST, show)];
  });
}

async function measureAll(bench: Bench, program: ServerProgram, samples: Map<Variant, Sample[]>): Promise<void> {
  for (let round = 0; round < bench.rounds; round++) {
    for (const variant of VARIANTS) {
      bench.progress(`wait-truth, round ${round + 1} of ${bench.rounds}: ${variant.title}`);
      samples.get(variant)?.push(await measure(bench, program, variant));
    }
  }
}

async function ask(bench: Bench): Promise<Answer> {
  const samples = new Map<Variant, Sample[]>(VARIANTS.map((variant) => [variant, []]));
  for (const program of contestants(waitTruth, bench.programs).slice(0, 1)) await measureAll(bench, program, samples);
  const columns = FIGURES.flatMap((figure) => [`${NAMES[figure]}: clients`, 'server', 'ratio']);
  const all = [...samples];
  return {
    tables: [
      {
        title: `wait-truth: waits in ms of ${LIGHTS} light clients and of those that burn ${BURN_MS} ms a message`,
        columns: ['beside', 'replies', ...columns],
        rows: all.map(([variant, own]) => row(variant, own)),
      },
    ],
    verdicts: wanted(bench.programs, 'heddle-burn') ? all.flatMap(([variant, own]) => judge(variant, own)) : [],
    samples: all,
  };
}

export const waitTruth: Question = {
  name: 'wait-truth',
  servers: ['heddle-burn'],
  defaults: { rounds: 3, ms: 5_000 },
  ask,
};
