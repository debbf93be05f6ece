/** Measures what one more thread costs an idle server: the difference between a server with nine threads and one with one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { settledMemory } from './memory.ts';
import { fixed, median, range } from './numbers.ts';
import type { ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';
import { interleave, type Samples } from './rounds.ts';
import { startServer } from './server.ts';
import type { Table } from './table.ts';
import { threadTimes } from './thread-times.ts';

const FEW = 1;
const MANY = 9;

const SAMPLE_MS = 200;
const LONGEST_MS = 4_000;
const STEADY_MS = 0.5;
const MIB = 2 ** 20;

/** In ms of CPU time, or in MiB. */
export interface ThreadCost {
  /** With as many threads as the server has by default. */
  readonly byDefault: number;
  /** With one. */
  readonly first: number;
  /** Each that comes to the first. */
  readonly each: number;
}

/** Reads something of the process `pid`, which has nothing to do. */
type Read = (pid: number) => Promise<number>;

/** The CPU time of all its threads, in ms. */
export const idleCpu: Read = async (pid) => {
  let last = cpuOf(pid);
  for (let waited = 0; waited < LONGEST_MS; waited += SAMPLE_MS) {
    await sleep(SAMPLE_MS);
    const now = cpuOf(pid);
    if (now - last < STEADY_MS) return now;
    last = now;
  }
  return last;
};

/** The memory that it has alone, in MiB. */
export const idleMib: Read = async (pid) => (await settledMemory(pid)).privateBytes / MIB;

function cpuOf(pid: number): number {
  return [...threadTimes(pid).values()].reduce((sum, ms) => sum + ms, 0);
}

async function costOfThreads(bench: Bench, program: ServerProgram, read: Read): Promise<ThreadCost> {
  const withThreads = async (threads?: number): Promise<number> => {
    const chosen = threads === undefined ? {} : { threads };
    const server = await startServer(bench.programs, program, { framing: 'chunk', ...chosen });
    try {
      return await read(server.pid);
    } finally {
      await server.stop();
    }
  };
  const byDefault = await withThreads();
  const first = await withThreads(FEW);
  return { byDefault, first, each: ((await withThreads(MANY)) - first) / (MANY - FEW) };
}

/** Reads each of `servers` once a round. */
export function threadCosts(
  bench: Bench,
  servers: readonly ServerProgram[],
  rounds: number,
  read: Read,
): Promise<Samples<ThreadCost>> {
  return interleave(bench, servers, rounds, (program) => costOfThreads(bench, program, read));
}

/** `digits`: behind the point. */
export function threadCostTable(
  title: string,
  servers: readonly ServerProgram[],
  samples: Samples<ThreadCost>,
  digits: number,
): Table {
  return {
    title,
    columns: ['server', 'by default', 'one thread', 'each further thread', 'range'],
    rows: servers.flatMap((server) => {
      const own = samples.get(server.name);
      if (own === undefined) return [];
      const each = own.map((cost) => cost.each);
      const [byDefault, first] = [own.map((cost) => cost.byDefault), own.map((cost) => cost.first)];
      return [
        [server.title, ...[byDefault, first, each].map((values) => fixed(median(values), digits)), range(each, digits)],
      ];
    }),
  };
}
