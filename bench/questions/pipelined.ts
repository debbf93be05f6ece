/** What does one line cost the server, when clients send many at a time? */
import { costRatio, costTable, judgeByBefore, measureCost } from '../harness/cost.ts';
import { fixed } from '../harness/numbers.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { atMost } from '../harness/verdict.ts';

const BYTES = 64;
const DEPTH = 16;
const CLIENTS = 64;

async function ask(bench: Bench): Promise<Answer> {
  bench.progress(`pipelined, ${CLIENTS} clients`);
  const servers = contestants(pipelined, bench.programs);
  const load = { clients: CLIENTS, bytes: BYTES, depth: DEPTH, lines: true };
  const samples = await measureCost(bench, servers, { framing: 'line', load, slice: bench });
  const title = `pipelined: server CPU a line of ${BYTES} bytes, ${DEPTH} at a time, ${CLIENTS} clients, one thread`;
  const ratio = costRatio(samples, 'heddle', 'go');
  return {
    tables: [costTable(title, servers, samples, 3)],
    verdicts: [
      ...(wanted(bench.programs, 'heddle', 'go')
        ? [atMost('pipelined lines: Heddle by Go bufio', ratio, 1, (value) => `${fixed(value, 2)} ×`)]
        : []),
      ...judgeByBefore('pipelined lines', samples),
    ],
    samples: Object.fromEntries(samples),
  };
}

export const pipelined: Question = {
  name: 'pipelined',
  servers: ['c', 'heddle', 'heddle-async', 'heddle-session', 'node', 'go', 'uvloop', 'bun'],
  ask,
};
