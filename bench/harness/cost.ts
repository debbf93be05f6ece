/** CPU per message of several servers under the same load, beside the yardstick. Used by ping-pong and pipelined. */
import { type LoadOptions, type LoadSample, runLoad } from './load.ts';
import { fixed, grouped, median, range } from './numbers.ts';
import type { BenchFraming, ServerName, ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';
import { interleave, type Samples } from './rounds.ts';
import { startServer } from './server.ts';
import type { Table } from './table.ts';

export interface CostOptions {
  readonly framing: BenchFraming;
  readonly load: LoadOptions;
  /** The load generator, if it is not the usual one. */
  readonly program?: string;
}

/** Each sample is of a fresh process with one service thread, alone on its CPU. */
export function measureCost(
  bench: Bench,
  servers: readonly ServerProgram[],
  { framing, load, program: generator = bench.programs.load }: CostOptions,
): Promise<Samples<LoadSample>> {
  return interleave(bench, servers, bench.rounds, async (program) => {
    const server = await startServer(bench.programs, program, { framing, threads: 1, cpu: bench.cores.server });
    try {
      return await runLoad(generator, bench.cores.load, server, load);
    } finally {
      await server.stop();
    }
  });
}

/** The median over the rounds of `name`'s cost by that of `other` in the same round; NaN if either has none. */
export function costRatio(samples: Samples<LoadSample>, name: ServerName, other: ServerName): number {
  const own = samples.get(name) ?? [];
  const others = samples.get(other) ?? [];
  return median(own.map((sample, round) => sample.totalUs / (others[round]?.totalUs ?? NaN)));
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
