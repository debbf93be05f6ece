/** What does it cost a server with many clients and threads to be asked for its metrics and its clients, and who waits meanwhile? */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Child } from '../harness/child.ts';
import { withIdleClients } from '../harness/idle-clients.ts';
import { settledMemory } from '../harness/memory.ts';
import { fixed, grouped, median, range } from '../harness/numbers.ts';
import type { ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave } from '../harness/rounds.ts';
import type { RunningServer } from '../harness/server.ts';
import { threadTimes } from '../harness/thread-times.ts';
import { atMost } from '../harness/verdict.ts';
import { withWatchedServer } from '../harness/watched.ts';

const CLIENTS = 10_000;
const THREADS = 24;
/** Before these, compilers and collectors of main have not settled. */
const FIRST_SCRAPES = 2_000;
const SCRAPES = 10_000;
const LISTS = 5;

const SCRAPE_MS = 2;
const MORE_MIB = 1;
const FIRST_BYTE_MS = 20;
const READY_MS = 20;
const MIB = 2 ** 20;

interface Sample {
  /** CPU time of main for a scrape, in ms. */
  readonly scrapeMs: number;
  /** What the process has more after all scrapes, in MiB. */
  readonly moreMib: number;
  /** Of several lists, in ms. */
  readonly firstByteMs: number;
  readonly listMs: number;
  /** The longest that a probe took while a list was written, of several lists, in ms. */
  readonly readyMs: number;
}

type Listed = Pick<Sample, 'firstByteMs' | 'listMs'>;

/** Asks at a control socket, and reads the whole answer; gives how long that took, in ms. */
async function ask(socketPath: string, agent: Agent, path: string): Promise<number> {
  const begun = performance.now();
  const asking = request({ socketPath, path, agent, headers: { host: 'localhost' } });
  asking.end();
  const [answer] = await once(asking, 'response');
  await once(answer.resume(), 'end');
  if (answer.statusCode !== 200) throw new Error(`${path} was answered with ${answer.statusCode}`);
  return performance.now() - begun;
}

/** The CPU time of a process's main thread, in ms. */
const mainTime = (pid: number): number => threadTimes(pid).get(String(pid)) ?? NaN;

async function scrape(control: string, agent: Agent, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await ask(control, agent, '/metrics');
}

/** Has curl ask for all clients, as who reads them here could not see in time what else the server does. */
function startList(control: string): Child {
  const format = '%{http_code} %{time_starttransfer} %{time_total}';
  const path = `http://localhost/v1/clients?limit=${CLIENTS}`;
  return new Child(['curl', '-sS', '--unix-socket', control, '-o', '/dev/null', '-w', format, path]);
}

async function listed(curl: Child): Promise<Listed> {
  const [status, first, whole] = (await curl.output()).split(' ').map(Number);
  if (status !== 200) throw new Error(`the list of clients was answered with ${status}`);
  return { firstByteMs: (first ?? NaN) * 1000, listMs: (whole ?? NaN) * 1000 };
}

/** Asks for a list again and again, and meanwhile whether the server is ready. */
async function list(control: string, agent: Agent): Promise<Pick<Sample, 'firstByteMs' | 'listMs' | 'readyMs'>> {
  const lists: (Listed & { readonly readyMs: number })[] = [];
  const over = new AbortController();
  let [from, readyMs] = [0, 0];
  const probing = (async () => {
    while (!over.signal.aborted) {
      const begun = performance.now();
      const ms = await ask(control, agent, '/readyz');
      if (begun >= from) readyMs = Math.max(readyMs, ms);
    }
  })();
  for (let count = 0; count < LISTS; count++) {
    const curl = startList(control);
    // To start a process takes this one some ms, which are not the server's.
    [from, readyMs] = [performance.now(), 0];
    lists.push({ ...(await listed(curl)), readyMs });
  }
  over.abort();
  await probing;
  const middle = (pick: (each: (typeof lists)[number]) => number): number => median(lists.map(pick));
  return {
    firstByteMs: middle((each) => each.firstByteMs),
    listMs: middle((each) => each.listMs),
    readyMs: middle((each) => each.readyMs),
  };
}

async function measureServer({ pid }: RunningServer, control: string): Promise<Sample> {
  const agent = new Agent({ keepAlive: true });
  try {
    await scrape(control, agent, FIRST_SCRAPES);
    const [memory, main] = [await settledMemory(pid), mainTime(pid)];
    await scrape(control, agent, SCRAPES);
    const scrapeMs = (mainTime(pid) - main) / SCRAPES;
    const moreMib = ((await settledMemory(pid)).privateBytes - memory.privateBytes) / MIB;
    return { scrapeMs, moreMib, ...(await list(control, agent)) };
  } finally {
    agent.destroy();
  }
}

function measure(bench: Bench, program: ServerProgram): Promise<Sample> {
  const clients = { count: CLIENTS, speak: true, untilClosed: false };
  return withWatchedServer(bench, program, { framing: 'chunk', threads: THREADS }, (server, control) =>
    withIdleClients(bench, server, clients, () => measureServer(server, control)),
  );
}

const COLUMNS = {
  scrapeMs: 'main, ms a scrape',
  moreMib: `more MiB after ${grouped(SCRAPES)}`,
  firstByteMs: 'first byte of a list, ms',
  listMs: 'list, ms',
  readyMs: '/readyz meanwhile, ms',
} as const;
type Field = keyof typeof COLUMNS;
const FIELDS = Object.keys(COLUMNS) as Field[];
const ASKED: Readonly<Partial<Record<Field, number>>> = {
  scrapeMs: SCRAPE_MS,
  moreMib: MORE_MIB,
  firstByteMs: FIRST_BYTE_MS,
  readyMs: READY_MS,
};

async function askAll(bench: Bench): Promise<Answer> {
  const servers = contestants(admin, bench.programs);
  const samples = await interleave(bench, servers, bench.rounds, (program) => measure(bench, program));
  const of = (own: readonly Sample[], field: Field): number[] => own.map((sample) => sample[field]);
  const cell = (own: readonly Sample[], field: Field): string =>
    `${fixed(median(of(own, field)), 2)} (${range(of(own, field), 2)})`;
  const rows = servers.flatMap(({ name, title }) => {
    const own = samples.get(name);
    return own === undefined ? [] : [[title, ...FIELDS.map((field) => cell(own, field))]];
  });
  const verdicts = FIELDS.flatMap((field) => {
    const limit = ASKED[field];
    if (limit === undefined || !wanted(bench.programs, 'heddle')) return [];
    const value = median(of(samples.get('heddle') ?? [], field));
    return [atMost(`admin: ${COLUMNS[field]}`, value, limit, (each) => fixed(each, 2))];
  });
  const title = `admin: a server with ${grouped(CLIENTS)} clients and ${THREADS} threads is asked`;
  return {
    tables: [{ title, columns: ['server', ...Object.values(COLUMNS)], rows }],
    verdicts,
    samples: Object.fromEntries(samples),
  };
}

export const admin: Question = { name: 'admin', servers: ['heddle'], defaults: { rounds: 1 }, ask: askAll };
