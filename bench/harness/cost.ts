/** CPU per message of several servers under the same load, beside the yardstick. Used by ping-pong and pipelined. */
import { addUp, Load, type LoadOptions, type LoadSample, type Slice } from './load.ts';
import { fixed, grouped, median, range } from './numbers.ts';
import type { BenchFraming, ServerName, ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';
import { Contest, type Samples, samplesOf } from './rounds.ts';
import { type RunningServer, startServer } from './server.ts';
import type { Table } from './table.ts';
import { atMost, type Verdict } from './verdict.ts';

export interface CostOptions {
  readonly framing: BenchFraming;
  readonly load: LoadOptions;
  /** Of each server in each round, in pieces. */
  readonly slice: Slice;
  /** The load generator, if it is not the usual one. */
  readonly program?: string;
}

/**
 * How many slices the measured time of a round is cut into. The servers take turns at them, so that what disturbs the machine
 * for a few seconds costs all of them the same.
 */
const SLICES = 8;

/** Load before each slice, in ms, until the caches are this server's again. */
const SETTLE = 50;

interface Contender {
  readonly server: RunningServer;
  readonly load: Load;
  readonly slices: LoadSample[];
}

/** Starts every server and warms it, then has them take turns. Each has one service thread, and all have the same CPU: one at a time has work. */
async function measureRound(
  bench: Bench,
  contest: Contest,
  round: number,
  { framing, load: options, slice, program = bench.programs.load }: CostOptions,
): Promise<ReadonlyMap<ServerName, readonly LoadSample[]>> {
  const contenders = new Map<ServerName, Contender>();
  const ms = Math.ceil(slice.ms / SLICES);
  try {
    await contest.turn(round, async (contestant) => {
      const serving = { framing, threads: 1, cpu: bench.cores.server };
      const server = await startServer(bench.programs, contestant, serving);
      const load = new Load(program, bench.cores.load, server, options);
      contenders.set(contestant.name, { server, load, slices: [] });
      await load.slice(slice.warmMs, ms);
    });
    for (let number = 0; number < SLICES; number++) {
      await contest.turn(round + number, async ({ name }) => {
        const { load, slices } = contenders.get(name) as Contender;
        slices.push(await load.slice(SETTLE, ms));
      });
    }
  } finally {
    for (const { server, load } of contenders.values()) {
      await load.stop();
      await server.stop();
    }
  }
  return new Map(Array.from(contenders, ([name, { slices }]) => [name, slices]));
}

/** Each sample is of a fresh process. */
export async function measureCost(
  bench: Bench,
  servers: readonly ServerProgram[],
  options: CostOptions,
): Promise<Samples<LoadSample>> {
  const contest = new Contest(bench, servers);
  const samples = new Map<ServerName, LoadSample[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress(`  round ${round + 1} of ${bench.rounds}: ${contest.names.join(', ')}`);
    const slices = await measureRound(bench, contest, round, options);
    for (const name of contest.names) samples.get(name)?.push(addUp(slices.get(name) ?? []));
  }
  return samplesOf(contest, samples);
}

/** The median over the rounds of `name`'s cost by that of `other` in the same round; NaN if either has none. */
export function costRatio(samples: Samples<LoadSample>, name: ServerName, other: ServerName): number {
  const own = samples.get(name) ?? [];
  const others = samples.get(other) ?? [];
  return median(own.map((sample, round) => sample.totalUs / (others[round]?.totalUs ?? NaN)));
}

/** What a message may cost by the build before. */
const BY_BEFORE = 1.02;

/** Judges each of Heddle's servers by the build before, where that was measured too. */
export function judgeByBefore(what: string, samples: Samples<LoadSample>): Verdict[] {
  return [...samples.keys()].flatMap((name) => {
    const before = `${name}:old` as ServerName;
    if (!samples.has(before)) return [];
    const ratio = costRatio(samples, name, before);
    return [atMost(`${what}: ${name} by the build before`, ratio, BY_BEFORE, (value) => `${fixed(value, 3)} ×`)];
  });
}

const TIMES = ['user µs', 'system µs', 'total µs', 'range'];
const OTHERS = ['busy', 'median µs', 'worst ms', 'messages'];

function row(program: ServerProgram, samples: Samples<LoadSample>, digits: number, yardstick: ServerName): string[] {
  const own = samples.get(program.name) ?? [];
  const of = (field: keyof LoadSample): number => median(own.map((sample) => sample[field]));
  return [
    program.title,
    fixed(of('userUs'), digits),
    fixed(of('systemUs'), digits),
    fixed(of('totalUs'), digits),
    range(
      own.map((sample) => sample.totalUs),
      digits,
    ),
    fixed(costRatio(samples, program.name, yardstick), 2),
    `${fixed(of('busy') * 100, 0)} %`,
    fixed(of('medianUs'), 0),
    fixed(of('worstUs') / 1_000, 1),
    grouped(own.reduce((sum, sample) => sum + sample.messages, 0)),
  ];
}

/** `digits`: how many decimals the times have; `yardstick`: what the costs are compared with, and how that is called. */
export function costTable(
  title: string,
  servers: readonly ServerProgram[],
  samples: Samples<LoadSample>,
  digits = 2,
  yardstick: { readonly name: ServerName; readonly title: string } = { name: 'c', title: 'C' },
): Table {
  const rows = servers
    .filter((server) => samples.has(server.name))
    .map((server) => row(server, samples, digits, yardstick.name));
  return { title, columns: ['server', ...TIMES, `× ${yardstick.title}`, ...OTHERS], rows };
}
