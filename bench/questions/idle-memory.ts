/** How much memory does a client cost that is only there, and a server that has none? */
import { withIdleClients } from '../harness/idle-clients.ts';
import { type Memory, settledMemory } from '../harness/memory.ts';
import { fixed, grouped, median, range } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave, type Samples } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import type { Table } from '../harness/table.ts';
import { idleMib, threadCosts, threadCostTable } from '../harness/thread-cost.ts';
import { atMost, type Verdict } from '../harness/verdict.ts';

const CLIENTS = 9_000;
const WARM_CLIENTS = 200;
const LIMIT = 2_500;
/** What all of it may be by the build before. */
const BY_BEFORE = 1.05;
/** What a server with no client may have alone, with its default threads, in MiB. */
const LIMIT_SERVER = 40;
const VARIANTS = { 'spoke once': true, 'never spoke': false } as const;

interface IdleSample {
  /** Growth of what the process alone would free, in bytes for each client. */
  readonly perClient: number;
  readonly rssPerClient: number;
  readonly before: Memory;
  readonly after: Memory;
}

async function measure(bench: Bench, program: ServerProgram, speak: boolean): Promise<IdleSample> {
  const server = await startServer(bench.programs, program, { framing: 'chunk' });
  try {
    const all = { untilClosed: true };
    await withIdleClients(bench, server, { count: WARM_CLIENTS, speak: true, ...all }, async () => undefined);
    const before = await settledMemory(server.pid);
    const after = await withIdleClients(bench, server, { count: CLIENTS, speak, ...all }, () =>
      settledMemory(server.pid),
    );
    return {
      perClient: (after.privateBytes - before.privateBytes) / CLIENTS,
      rssPerClient: (after.rssBytes - before.rssBytes) / CLIENTS,
      before,
      after,
    };
  } finally {
    await server.stop();
  }
}

const mib = (bytes: number): string => fixed(bytes / 2 ** 20, 1);

function row(server: ServerProgram, own: readonly IdleSample[]): string[] {
  const of = (pick: (sample: IdleSample) => number): number => median(own.map(pick));
  const perClient = own.map((sample) => sample.perClient);
  return [
    server.title,
    fixed(median(perClient), 0),
    range(perClient, 0),
    fixed(
      of((sample) => sample.rssPerClient),
      0,
    ),
    mib(of((sample) => sample.before.privateBytes)),
    mib(of((sample) => sample.after.privateBytes)),
  ];
}

function table(variant: string, servers: readonly ServerProgram[], samples: Samples<IdleSample>): Table {
  return {
    title: `idle-memory: ${grouped(CLIENTS)} clients that ${variant}; growth of the server's own memory`,
    columns: ['server', 'bytes a client', 'range', 'RSS a client', 'before MiB', 'after MiB'],
    rows: servers.flatMap((server) => {
      const own = samples.get(server.name);
      return own === undefined ? [] : [row(server, own)];
    }),
  };
}

/** With all clients there, where the build before was measured too. */
function judgeByBefore(variant: string, samples: Samples<IdleSample>): Verdict[] {
  const memory = (name: ServerName): number =>
    median((samples.get(name) ?? []).map((sample) => sample.after.privateBytes));
  if (!samples.has('heddle:old')) return [];
  const ratio = memory('heddle') / memory('heddle:old');
  const what = `memory of Heddle by the build before, clients that ${variant}`;
  return [atMost(what, ratio, BY_BEFORE, (value) => `${fixed(value, 3)} ×`)];
}

async function askVariant(bench: Bench, variant: keyof typeof VARIANTS): Promise<Answer> {
  bench.progress(`idle-memory, ${CLIENTS} clients that ${variant}`);
  const servers = contestants(idleMemory, bench.programs).filter(({ name }) => name !== 'node-workers');
  const samples = await interleave(bench, servers, bench.rounds, (program) =>
    measure(bench, program, VARIANTS[variant]),
  );
  const perClient = median((samples.get('heddle') ?? []).map((sample) => sample.perClient));
  const what = `idle memory of Heddle, clients that ${variant}`;
  return {
    tables: [table(variant, servers, samples)],
    verdicts: [
      ...(wanted(bench.programs, 'heddle')
        ? [atMost(what, perClient, LIMIT, (bytes) => `${fixed(bytes, 0)} bytes`)]
        : []),
      ...judgeByBefore(variant, samples),
    ],
    samples: Object.fromEntries(samples),
  };
}

async function askServer(bench: Bench): Promise<Answer> {
  bench.progress('idle-memory, no client');
  const servers = contestants(idleMemory, bench.programs).filter(({ name }) => !['node', 'go'].includes(name));
  const samples = await threadCosts(bench, servers, bench.rounds, idleMib);
  const byDefault = median((samples.get('heddle') ?? []).map((cost) => cost.byDefault));
  return {
    tables: [threadCostTable('idle-memory: no client; MiB that the process has alone', servers, samples, 1)],
    verdicts: wanted(bench.programs, 'heddle')
      ? [atMost('memory of Heddle without clients', byDefault, LIMIT_SERVER, (size) => `${fixed(size, 1)} MiB`)]
      : [],
    samples: Object.fromEntries(samples),
  };
}

async function ask(bench: Bench): Promise<Answer> {
  const server = await askServer(bench);
  const spoke = await askVariant(bench, 'spoke once');
  const silent = await askVariant(bench, 'never spoke');
  return {
    tables: [...server.tables, ...spoke.tables, ...silent.tables],
    verdicts: [...server.verdicts, ...spoke.verdicts, ...silent.verdicts],
    samples: { 'no client': server.samples, 'spoke once': spoke.samples, 'never spoke': silent.samples },
  };
}

export const idleMemory: Question = { name: 'idle-memory', servers: ['heddle', 'node', 'go', 'node-workers'], ask };
