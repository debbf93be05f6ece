/** What does TLS cost the server: a small message when each client waits for its reply, and a handshake, on one thread and on several? */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Child } from '../harness/child.ts';
import { pinned } from '../harness/cores.ts';
import { costRatio, costTable, judgeByBefore, measureCost } from '../harness/cost.ts';
import { fixed, grouped, median, range } from '../harness/numbers.ts';
import { compileTls, type ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import { atMost } from '../harness/verdict.ts';

const BYTES = 64;
const CLIENTS = [64];
/** How many handshakes are under way at a time: enough that no thread waits for the load. */
const NEWCOMERS = 32;
const THREADS = [1, 2, 4];

interface Tools {
  readonly load: string;
  readonly handshakes: string;
}

const times = (value: number): string => `${fixed(value, 2)} ×`;

async function askMessages(bench: Bench, program: string, clients: number): Promise<Answer> {
  bench.progress(`tls, ${clients} clients`);
  const servers = contestants(tls, bench.programs);
  const load = { clients, bytes: BYTES, depth: 1, lines: true };
  const samples = await measureCost(bench, servers, { framing: 'line', load, slice: bench, program });
  const title = `tls: server CPU a line of ${BYTES} bytes over TLS 1.3, ${clients} clients, one service thread`;
  const ratio = costRatio(samples, 'heddle-tls', 'node-tls');
  return {
    tables: [costTable(title, servers, samples, 2, { name: 'node-tls', title: 'Node' })],
    verdicts: [
      ...(wanted(bench.programs, 'heddle-tls', 'node-tls')
        ? [atMost(`tls, ${clients} clients: Heddle by Node's tls`, ratio, 1, times)]
        : []),
      ...judgeByBefore(`tls, ${clients} clients`, samples),
    ],
    samples: Object.fromEntries(samples),
  };
}

interface HandshakeSample {
  readonly perSecond: number;
  /** CPU of the server for each, and of the load, in ms. */
  readonly serverMs: number;
  readonly loadMs: number;
  /** CPUs that the server had on average. */
  readonly busy: number;
}

/** What `handshakes.c` prints. */
type HandshakeReport = Readonly<Record<'handshakes' | 'wallNs' | 'cpuNs' | 'loadNs', number>>;

function isReport(value: unknown): value is HandshakeReport {
  return typeof value === 'object' && value !== null && 'handshakes' in value && 'loadNs' in value;
}

/** The server may use all CPUs, the load one of them. */
async function shakeHands(
  bench: Bench,
  tools: Tools,
  program: ServerProgram,
  threads: number,
): Promise<HandshakeSample> {
  const server = await startServer(bench.programs, program, { framing: 'line', threads });
  try {
    const lengths = [`warm=${bench.warmMs}`, `ms=${bench.ms}`];
    const words = [`port=${server.port}`, `pid=${server.pid}`, `clients=${NEWCOMERS}`, ...lengths];
    const command = pinned(bench.cores.load, [tools.handshakes, ...words]);
    const report: unknown = JSON.parse(await new Child(command).output());
    if (!isReport(report) || report.handshakes === 0) throw new Error('no handshake was measured');
    const { handshakes, wallNs, cpuNs, loadNs } = report;
    return {
      perSecond: (handshakes * 1e9) / wallNs,
      serverMs: cpuNs / 1e6 / handshakes,
      loadMs: loadNs / 1e6 / handshakes,
      busy: cpuNs / wallNs,
    };
  } finally {
    await server.stop();
  }
}

interface Entry {
  readonly title: string;
  readonly samples: readonly HandshakeSample[];
}

function handshakeRow({ title, samples }: Entry): string[] {
  const of = (field: keyof HandshakeSample): number => median(samples.map((sample) => sample[field]));
  const perSecond = samples.map((sample) => sample.perSecond);
  const spread = range(perSecond, 0);
  return [
    title,
    grouped(of('perSecond')),
    spread,
    fixed(of('serverMs'), 2),
    fixed(of('loadMs'), 2),
    fixed(of('busy'), 2),
  ];
}

/** One after the other within a round, so that what disturbs the machine meets all of them. */
async function askHandshakes(bench: Bench, tools: Tools): Promise<Answer> {
  const servers = contestants(tls, bench.programs);
  const entries = new Map<string, Entry & { samples: HandshakeSample[] }>();
  for (let round = 0; round < bench.rounds; round++) {
    for (const threads of THREADS) {
      bench.progress(`tls, handshakes on ${threads} threads`);
      const runs = threads === 1 ? servers : servers.filter(({ name }) => name === 'heddle-tls');
      const measured = await interleave(bench, runs, 1, (program) => shakeHands(bench, tools, program, threads));
      for (const { name, title } of runs) {
        const key = `${name} ${threads}`;
        const label = name === 'heddle-tls' ? `${title}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : title;
        const entry = entries.get(key) ?? { title: label, samples: [] };
        entry.samples.push(...(measured.get(name) ?? []));
        entries.set(key, entry);
      }
    }
  }
  const rate = (key: string): number => median((entries.get(key)?.samples ?? []).map(({ perSecond }) => perSecond));
  return {
    tables: [
      {
        title: `tls: full handshakes of TLS 1.3 with a key of RSA 4096, on ${cpus().length} CPUs, of which the load uses one`,
        columns: ['server', 'handshakes/s', 'range', 'server CPU ms', 'load CPU ms', 'CPUs of the server'],
        rows: [...entries.values()].map(handshakeRow),
      },
    ],
    verdicts: wanted(bench.programs, 'heddle-tls')
      ? [
          atMost(
            'tls: handshakes a second of 1 thread by those of 2',
            rate('heddle-tls 1') / rate('heddle-tls 2'),
            0.9,
            times,
          ),
        ]
      : [],
    samples: Object.fromEntries([...entries].map(([key, { samples }]) => [`handshakes ${key}`, samples])),
  };
}

function compileTools(bench: Bench): Tools | undefined {
  const { folder } = bench.programs;
  try {
    return {
      load: compileTls('load.c', join(folder, 'load-tls')),
      handshakes: compileTls('handshakes.c', join(folder, 'handshakes')),
    };
  } catch (error) {
    bench.progress(`tls is left out, it needs OpenSSL's headers (Debian: libssl-dev): ${String(error)}`);
    return undefined;
  }
}

async function ask(bench: Bench): Promise<Answer> {
  const tools = compileTools(bench);
  if (tools === undefined)
    return { tables: [], verdicts: [atMost("tls: Heddle by Node's tls", NaN, 1, times)], samples: {} };
  const counts = bench.clients.length > 0 ? bench.clients : CLIENTS;
  const answers: Answer[] = [];
  for (const clients of counts) answers.push(await askMessages(bench, tools.load, clients));
  answers.push(await askHandshakes(bench, tools));
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: answers.map(({ samples }) => samples),
  };
}

export const tls: Question = { name: 'tls', servers: ['heddle-tls', 'node-tls'], ask };
