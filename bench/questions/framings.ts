/** What does a declared length field cost beside the built-in framing, and a framing of one's own? And one more byte of a long message? */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { costRatio, costTable, judgeByBefore, measureCost } from '../harness/cost.ts';
import { fixed, median, range } from '../harness/numbers.ts';
import type { ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import { threadTimes, timesBetween } from '../harness/thread-times.ts';
import { atMost } from '../harness/verdict.ts';

const BYTES = 64;
const DEPTH = 16;
const CLIENTS = 64;
const BY_BUILT_IN = { 'heddle-field': 1.1, 'heddle-own': 1.5 } as const;

/** What a byte costs at all, with the wake-up that it takes, is seen in a short message. */
const SHORT_BYTES = 1_000;
const LONG_BYTES = 1_000_000;
/** So many bytes of a message come one by one, so many ms apart. */
const DRIPS = 200;
const DRIP_MS = 3;
/** How long the server has to read what comes before them, in ms. */
const READ_MS = 300;
const MOST_MS_MORE = 0.06;

/** The server's CPU time for each of the last bytes of a message that is so long, in ms. */
async function costOfByte(bench: Bench, program: ServerProgram, length: number): Promise<number> {
  const serving = { framing: 'chunk', threads: 1, cpu: bench.cores.server } as const;
  const server = await startServer(bench.programs, program, serving);
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  try {
    await once(socket, 'connect');
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    socket.write(head);
    if (!socket.write(Buffer.alloc(length - DRIPS - 1))) await once(socket, 'drain');
    await sleep(READ_MS);
    const before = threadTimes(server.pid);
    for (let count = 0; count < DRIPS; count++) {
      socket.write('.');
      await sleep(DRIP_MS);
    }
    return timesBetween(before, threadTimes(server.pid)).reduce((sum, ms) => sum + ms, 0) / DRIPS;
  } finally {
    socket.destroy();
    await server.stop();
  }
}

interface ByteSample {
  readonly short: number;
  readonly long: number;
}

async function costOfBytes(bench: Bench, program: ServerProgram): Promise<ByteSample> {
  return { short: await costOfByte(bench, program, SHORT_BYTES), long: await costOfByte(bench, program, LONG_BYTES) };
}

function byteRow({ title }: ServerProgram, samples: readonly ByteSample[]): string[] {
  const long = samples.map((sample) => sample.long);
  const short = median(samples.map((sample) => sample.short));
  return [title, fixed(short, 3), fixed(median(long), 3), range(long, 3), fixed(more(samples), 3)];
}

/** How much more a byte of a long message costs than one of a short message of the same round, in ms. */
function more(samples: readonly ByteSample[]): number {
  return median(samples.map(({ long, short }) => long - short));
}

const ratio = (value: number): string => `${fixed(value, 2)} ×`;
const milliseconds = (value: number): string => `${fixed(value, 3)} ms`;

async function ask(bench: Bench): Promise<Answer> {
  bench.progress(`framings, ${CLIENTS} clients`);
  const servers = contestants(framings, bench.programs);
  const load = { clients: CLIENTS, bytes: BYTES, depth: DEPTH, lines: false, isLengthFirst: true };
  const costs = await measureCost(bench, servers, { framing: 'chunk', load, slice: bench });
  bench.progress('framings, bytes one by one');
  const bytes = await interleave(bench, servers, bench.rounds, (program) => costOfBytes(bench, program));
  const title = `framings: server CPU a message of ${BYTES} bytes behind its length, ${DEPTH} at a time, ${CLIENTS} clients, one thread`;
  return {
    tables: [
      costTable(title, servers, costs, 3, { name: 'heddle-length', title: 'built-in' }),
      {
        title: `framings: server CPU of one more byte of ${SHORT_BYTES} and of ${LONG_BYTES} bytes`,
        columns: ['server', `ms of ${SHORT_BYTES}`, `ms of ${LONG_BYTES}`, 'range', 'more'],
        rows: servers.map((server) => byteRow(server, bytes.get(server.name) ?? [])),
      },
    ],
    verdicts: [
      ...(['heddle-field', 'heddle-own'] as const).flatMap((name) =>
        wanted(bench.programs, name, 'heddle-length')
          ? [
              atMost(
                `framings: ${name} by the built-in length`,
                costRatio(costs, name, 'heddle-length'),
                BY_BUILT_IN[name],
                ratio,
              ),
            ]
          : [],
      ),
      ...servers.map(({ name, title: server }) =>
        atMost(
          `framings: a byte of ${LONG_BYTES} by one of ${SHORT_BYTES}, ${server}`,
          more(bytes.get(name) ?? []),
          MOST_MS_MORE,
          milliseconds,
        ),
      ),
      ...judgeByBefore('framings', costs),
    ],
    samples: { costs: Object.fromEntries(costs), bytes: Object.fromEntries(bytes) },
  };
}

export const framings: Question = {
  name: 'framings',
  servers: ['heddle-length', 'heddle-field', 'heddle-own'],
  ask,
};
