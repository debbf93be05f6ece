/** What does it cost a server to be watched by an open page, `heddle top` and a scrape each five seconds? */
import { setTimeout as sleep } from 'node:timers/promises';
import { Load, type LoadSample } from '../harness/load.ts';
import { fixed, grouped, median, range } from '../harness/numbers.ts';
import type { ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question } from '../harness/question.ts';
import { startServer } from '../harness/server.ts';
import { atMost } from '../harness/verdict.ts';
import { Watchers } from '../harness/watchers.ts';

const LOAD = { clients: 64, bytes: 64, depth: 1, lines: false };
/** Each slice has one scrape in it. */
const SLICE_MS = 5_000;
const SETTLE_MS = 500;
const MOST = 1.01;

/** A slice in which another server is watched, and the one beside it. */
interface Pair {
  readonly alone: LoadSample;
  readonly watched: LoadSample;
}

/** Watchers work in every slice, so that they take the load the same CPU time: `pid` is the server that they watch. */
async function sliceWatching(bench: Bench, load: Load, pid: number): Promise<LoadSample> {
  const watchers = await Watchers.start(pid, bench.cores.load);
  try {
    const [sample] = await Promise.all([
      load.slice(SETTLE_MS, SLICE_MS),
      sleep(SETTLE_MS + SLICE_MS / 2).then(() => watchers.scrape()),
    ]);
    return sample;
  } finally {
    await watchers.stop();
  }
}

/** One process has both kinds of slices, in turn: two processes differ by more than watching costs. */
async function measureRound(bench: Bench, program: ServerProgram): Promise<Pair[]> {
  const { cores, ms, programs, warmMs } = bench;
  const start = (cpu: number) => startServer(programs, program, { framing: 'chunk', threads: 1, cpu });
  const server = await start(cores.server);
  const idle = await start(cores.load);
  const load = new Load(programs.load, cores.load, server, LOAD);
  const pairs: Pair[] = [];
  try {
    await load.slice(warmMs, SETTLE_MS);
    for (let left = Math.ceil(ms / SLICE_MS); left > 0; left--) {
      // The one that comes first is not always the same one.
      const early = left % 2 === 0 ? undefined : await sliceWatching(bench, load, server.pid);
      const alone = await sliceWatching(bench, load, idle.pid);
      pairs.push({ alone, watched: early ?? (await sliceWatching(bench, load, server.pid)) });
    }
    return pairs;
  } finally {
    await load.stop();
    await server.stop();
    await idle.stop();
  }
}

async function ask(bench: Bench): Promise<Answer> {
  const pairs: Pair[] = [];
  for (const program of contestants(watched, bench.programs)) {
    for (let round = 0; round < bench.rounds; round++) {
      bench.progress(`watched, round ${round + 1} of ${bench.rounds}`);
      pairs.push(...(await measureRound(bench, program)));
    }
  }
  const ratios = pairs.map((pair) => pair.watched.totalUs / pair.alone.totalUs);
  const row = (title: string, samples: readonly LoadSample[]): string[] => {
    const costs = samples.map(({ totalUs }) => totalUs);
    const messages = samples.reduce((sum, sample) => sum + sample.messages, 0);
    return [title, fixed(median(costs), 2), range(costs, 2), grouped(messages)];
  };
  const title = `watched: server CPU a message of ${LOAD.bytes} bytes, ${LOAD.clients} clients, one service thread`;
  const rows = [
    row(
      'not watched',
      pairs.map(({ alone }) => alone),
    ),
    row(
      'with page, top and a scrape each 5 s',
      pairs.map((pair) => pair.watched),
    ),
  ];
  const what = `watched: CPU a message by that of the same server when another one is watched (${range(ratios, 3)} in ${ratios.length} pairs)`;
  return {
    tables: [{ title, columns: ['server', 'total µs', 'range', 'messages'], rows }],
    verdicts: [atMost(what, median(ratios), MOST, (value) => `${fixed(value, 3)} ×`)],
    samples: pairs,
  };
}

export const watched: Question = { name: 'watched', servers: ['heddle'], defaults: { ms: 20_000 }, ask };
