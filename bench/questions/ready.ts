/** How long after the start of the command does the first client have its answer, and what does a thread's start cost? */
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { fixed, median, range } from '../harness/numbers.ts';
import type { ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import { idleCpu, threadCosts, threadCostTable } from '../harness/thread-cost.ts';
import { atMost } from '../harness/verdict.ts';

const ROUNDS = 10;
const LIMIT_MS = 250;
/** How much later the first answer may come for the control socket, in ms. */
const LIMIT_CONTROL_MS = 3;
/** What the start of one more thread may take, in ms of CPU time. */
const LIMIT_THREAD_MS = 40;
const MESSAGE = 'who is first?';
const REPLY = '?tsrif si ohw';

interface ReadySample {
  readonly listeningMs: number;
  readonly answeredMs: number;
}

async function askFirst(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.setTimeout(10_000, () => socket.destroy(new Error('the first client had no answer for 10 s')));
  try {
    socket.setEncoding('utf8').write(MESSAGE);
    const [reply]: unknown[] = await once(socket, 'data');
    if (reply !== REPLY) throw new Error(`the first client got ${JSON.stringify(reply)}`);
  } finally {
    socket.destroy();
  }
}

async function measure(bench: Bench, program: ServerProgram): Promise<ReadySample> {
  const start = performance.now();
  const server = await startServer(bench.programs, program, { framing: 'chunk' });
  try {
    const listeningMs = performance.now() - start;
    await askFirst(server.port);
    return { listeningMs, answeredMs: performance.now() - start };
  } finally {
    await server.stop();
  }
}

const answered = (own: readonly ReadySample[]): number[] => own.map((sample) => sample.answeredMs);

function row(server: ServerProgram, own: readonly ReadySample[]): string[] {
  const listening = median(own.map((sample) => sample.listeningMs));
  return [server.title, fixed(listening, 0), fixed(median(answered(own)), 0), range(answered(own), 0)];
}

async function askFirstAnswer(bench: Bench): Promise<Answer> {
  bench.progress('ready');
  const servers = contestants(ready, bench.programs).filter(({ name }) => name !== 'node-workers');
  const samples = await interleave(bench, servers, ROUNDS, (program) => measure(bench, program));
  const rows = servers.flatMap((server) => {
    const own = samples.get(server.name);
    return own === undefined ? [] : [row(server, own)];
  });
  const [usual, without] = [samples.get('heddle') ?? [], samples.get('heddle-no-control') ?? []];
  const firstAnswer = median(answered(usual));
  const later = median(usual.map(({ answeredMs }, round) => answeredMs - (without[round]?.answeredMs ?? NaN)));
  return {
    tables: [
      {
        title: `ready: from the start of the command, median of ${ROUNDS}`,
        columns: ['server', 'listening ms', 'first answer ms', 'range'],
        rows,
      },
    ],
    verdicts: [
      ...(wanted(bench.programs, 'heddle')
        ? [atMost('first client of Heddle answered', firstAnswer, LIMIT_MS, (ms) => `${fixed(ms, 0)} ms`)]
        : []),
      ...(wanted(bench.programs, 'heddle', 'heddle-no-control')
        ? [atMost('later for the control socket', later, LIMIT_CONTROL_MS, (ms) => `${fixed(ms, 1)} ms`)]
        : []),
    ],
    samples: Object.fromEntries(samples),
  };
}

/** Of those that have threads. */
async function askThreads(bench: Bench): Promise<Answer> {
  bench.progress("ready, a thread's start");
  const servers = contestants(ready, bench.programs).filter(
    ({ name }) => !['node', 'go', 'heddle-no-control'].includes(name),
  );
  const samples = await threadCosts(bench, servers, bench.rounds, idleCpu);
  const each = median((samples.get('heddle') ?? []).map((cost) => cost.each));
  return {
    tables: [threadCostTable('ready: CPU time of the start, in ms', servers, samples, 0)],
    verdicts: wanted(bench.programs, 'heddle')
      ? [atMost('the start of one more thread of Heddle', each, LIMIT_THREAD_MS, (ms) => `${fixed(ms, 1)} ms of CPU`)]
      : [],
    samples: Object.fromEntries(samples),
  };
}

async function ask(bench: Bench): Promise<Answer> {
  const first = await askFirstAnswer(bench);
  const threads = await askThreads(bench);
  return {
    tables: [...first.tables, ...threads.tables],
    verdicts: [...first.verdicts, ...threads.verdicts],
    samples: { first: first.samples, threads: threads.samples },
  };
}

export const ready: Question = {
  name: 'ready',
  servers: ['heddle', 'heddle-no-control', 'node', 'go', 'node-workers'],
  ask,
};
