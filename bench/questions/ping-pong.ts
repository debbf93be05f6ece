/** What does one small message cost the server, when each client waits for its reply? */
import { costRatio, costTable, judgeByBefore, measureCost } from '../harness/cost.ts';
import type { LoadSample } from '../harness/load.ts';
import { fixed } from '../harness/numbers.ts';
import type { ServerName } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import type { Samples } from '../harness/rounds.ts';
import { atMost, type Verdict } from '../harness/verdict.ts';

const BYTES = 64;
const CLIENTS = [64, 1_000];
const PEERS: readonly ServerName[] = ['node', 'go', 'uvloop', 'bun'];

const times = (value: number): string => `${fixed(value, 2)} ×`;

function judge(bench: Bench, clients: number, samples: Samples<LoadSample>): Verdict[] {
  const against = (name: ServerName, other: ServerName, limit: number, title: string): Verdict[] =>
    wanted(bench.programs, name, other)
      ? [atMost(`ping-pong, ${clients} clients: ${title}`, costRatio(samples, name, other), limit, times)]
      : [];
  return [
    ...against('heddle', 'c', 1.25, 'Heddle by C epoll'),
    ...against('heddle-async', 'c', 1.4, 'Heddle with an async message by C epoll'),
    ...against('heddle-session', 'c', 1.4, 'Heddle with a session by C epoll'),
    ...PEERS.filter((peer) => bench.programs.servers.has(peer)).flatMap((peer) =>
      against('heddle', peer, 1, `Heddle by ${bench.programs.servers.get(peer)?.title}`),
    ),
    ...judgeByBefore(`ping-pong, ${clients} clients`, samples),
  ];
}

async function askAt(clients: number, bench: Bench): Promise<Answer> {
  bench.progress(`ping-pong, ${clients} clients`);
  const servers = contestants(pingPong, bench.programs);
  const load = { clients, bytes: BYTES, depth: 1, lines: false };
  const samples = await measureCost(bench, servers, { framing: 'chunk', load, slice: bench });
  const title = `ping-pong: server CPU a message of ${BYTES} bytes, ${clients} clients, one service thread`;
  return {
    tables: [costTable(title, servers, samples)],
    verdicts: judge(bench, clients, samples),
    samples: Object.fromEntries(samples),
  };
}

async function ask(bench: Bench): Promise<Answer> {
  const counts = bench.clients.length > 0 ? bench.clients : CLIENTS;
  const answers: Answer[] = [];
  for (const clients of counts) answers.push(await askAt(clients, bench));
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: Object.fromEntries(answers.map(({ samples }, index) => [`${counts[index]} clients`, samples])),
  };
}

export const pingPong: Question = {
  name: 'ping-pong',
  servers: ['c', 'heddle', 'heddle-async', 'heddle-session', 'node', 'go', 'uvloop', 'bun'],
  ask,
};
