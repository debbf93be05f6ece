/** Does every client get its own replies, whole and once, while threads die and new code is loaded? */
import { setTimeout as sleep } from 'node:timers/promises';
import { AskedServer } from '../harness/asked-server.ts';
import { killThread } from '../harness/control-client.ts';
import { runLoad } from '../harness/load.ts';
import { fixed, grouped } from '../harness/numbers.ts';
import type { Answer, Bench, Question } from '../harness/question.ts';
import { atMost } from '../harness/verdict.ts';
import { runWaitLoad } from '../harness/wait-load.ts';

const THREADS = '2..24';
const CLIENTS = 100;
const THINK_MS = 5;
const KILL_EVERY_MS = 100;
const RELOADS = 20;
const MOST_TRIES = 10 * RELOADS;
const BETWEEN_RELOADS_MS = 100;
const MESSAGES = 10_000_000;
/** `--seconds` says how long threads are killed; everything else shrinks with it. */
const FULL_MS = 10_000;
const PIPELINED = { clients: CLIENTS, bytes: 64, depth: 16, lines: true, warmMs: 0, ms: 5_000 };
const WAIT_FOR_END_MS = 30_000;

interface Phase {
  readonly name: string;
  readonly checked: number;
  /** Clients that were cut off, as they saw it themselves. */
  readonly cutOff: number;
  /** Connections that ended with their thread, as the server counts them. */
  readonly threadExits: number;
  readonly moves: number;
  readonly detail: string;
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

/** Runs a phase and adds what the server counted meanwhile; all clients of the phase are gone when that is read. */
async function measurePhase(
  name: string,
  server: AskedServer,
  run: () => Promise<Pick<Phase, 'checked' | 'cutOff' | 'detail'>>,
): Promise<Phase> {
  const before = await server.stats();
  const seen = await run();
  const deadline = performance.now() + WAIT_FOR_END_MS;
  let after = await server.stats();
  while (after.clients > 0 && performance.now() < deadline) {
    await sleep(50);
    after = await server.stats();
  }
  const exits = (stats: typeof after): number => stats.closes['thread-exit'] ?? NaN;
  const closes = Object.entries(after.closes).flatMap(([reason, count]) => {
    const more = count - (before.closes[reason] ?? 0);
    return more === 0 ? [] : [`${reason} ${more}`];
  });
  return {
    name,
    ...seen,
    threadExits: exits(after) - exits(before),
    moves: total(after.moves) - total(before.moves),
    detail: `${seen.detail}; closes: ${closes.join(', ')}`,
  };
}

function talk(bench: Bench, server: AskedServer, until: Promise<unknown>) {
  const load = {
    lights: CLIENTS,
    burners: 0,
    burnMs: 0,
    thinkMs: THINK_MS,
    warmMs: 0,
    ms: 600_000,
    lossy: true,
    until,
  };
  return runWaitLoad(bench.programs.lights, [bench.cores.server, bench.cores.load], server.port, load);
}

/** Kills threads at a fixed pace, however long each takes to go; resolves with how many when all are gone. */
async function killForAWhile(port: number, ms: number): Promise<number> {
  const kills: Promise<void>[] = [];
  for (const end = performance.now() + ms; performance.now() < end; await sleep(KILL_EVERY_MS)) {
    kills.push(killThread(port));
  }
  const gone = Promise.all(kills).then(() => kills.length);
  const late = sleep(WAIT_FOR_END_MS, undefined, { ref: false }).then(() => {
    throw new Error(`a thread that was told to end still served after ${WAIT_FOR_END_MS} ms`);
  });
  return Promise.race([gone, late]);
}

function killing(bench: Bench, server: AskedServer): Promise<Phase> {
  return measurePhase(`a thread killed every ${KILL_EVERY_MS} ms`, server, async () => {
    const killed = killForAWhile(server.port, bench.ms);
    const [kills, seen] = await Promise.all([killed, talk(bench, server, killed)]);
    const { checked, lostWaiting, lostResting, worstUs } = seen;
    const detail = `${kills} kills; cut off: the ${kills} that killed, ${lostWaiting} waiting, ${lostResting} idle`;
    return {
      checked,
      cutOff: kills + lostWaiting + lostResting,
      detail: `${detail}; worst wait ${fixed(worstUs / 1_000, 0)} ms`,
    };
  });
}

/** Resolves with how often the server said that it could not reload yet. */
async function reloadTimes(server: AskedServer, reloads: number): Promise<number> {
  let done = 0;
  let refused = 0;
  while (done < reloads) {
    await sleep(BETWEEN_RELOADS_MS);
    const why = await server.reload();
    if (why === undefined) done++;
    else if (++refused > MOST_TRIES) throw new Error(`the server does not reload: ${why}`);
  }
  await sleep(BETWEEN_RELOADS_MS);
  return refused;
}

function reloading(bench: Bench, server: AskedServer): Promise<Phase> {
  const reloads = Math.max(1, Math.round((RELOADS * bench.ms) / FULL_MS));
  return measurePhase(`${reloads} reloads under load`, server, async () => {
    const reloaded = reloadTimes(server, reloads);
    const [refused, { checked, lostWaiting, lostResting, worstUs }] = await Promise.all([
      reloaded,
      talk(bench, server, reloaded),
    ]);
    const detail = `${refused} refused for now; worst wait ${fixed(worstUs / 1_000, 0)} ms`;
    return { checked, cutOff: lostWaiting + lostResting, detail };
  });
}

/** Clients that are cut off end this load, and the benchmark with it. */
function pipelining(bench: Bench, server: AskedServer, sofar: number): Promise<Phase> {
  const wanted = Math.round((MESSAGES * bench.ms) / FULL_MS) - sofar;
  return measurePhase('16 lines at a time, a reload now and then', server, async () => {
    let checked = 0;
    let reloads = 0;
    while (checked < wanted) {
      const load = runLoad(bench.programs.load, bench.cores.load, server, PIPELINED);
      const [{ messages }, why] = await Promise.all([load, sleep(PIPELINED.ms / 2).then(() => server.reload())]);
      checked += messages;
      if (why === undefined) reloads++;
    }
    return { checked, cutOff: 0, detail: `${reloads} reloads` };
  });
}

async function runPhases(bench: Bench): Promise<Phase[]> {
  const server = await AskedServer.start('burn.mjs', THREADS);
  const phases: Phase[] = [];
  try {
    for (const next of [killing, reloading, pipelining]) {
      const sofar = phases.reduce((sum, { checked }) => sum + checked, 0);
      phases.push(await next(bench, server, sofar));
      bench.progress(`  ${phases.at(-1)?.name}: ${phases.at(-1)?.detail}`);
    }
    return phases;
  } finally {
    await server.stop();
  }
}

function toAnswer(phases: readonly Phase[], wrong: number): Answer {
  const replies = phases.reduce((sum, { checked }) => sum + checked, 0);
  const unexplained = phases.reduce((sum, { cutOff, threadExits }) => sum + Math.abs(cutOff - threadExits), 0);
  const [, reloads] = phases;
  const rows = phases.map(({ name, checked, cutOff, threadExits, moves }) => {
    return [name, ...[checked, cutOff, threadExits, moves].map(grouped)];
  });
  const columns = ['', 'replies checked', 'clients cut off', 'server: thread-exit', 'moves'];
  const title = `integrity: ${CLIENTS} clients, a nonce in every message, --threads ${THREADS}`;
  return {
    tables: [{ title, columns, rows }],
    verdicts: [
      atMost(`integrity: wrong replies of ${grouped(replies)}`, wrong, 0, grouped),
      atMost('integrity: replies lost at reloads', reloads?.cutOff ?? NaN, 0, grouped),
      atMost('integrity: clients cut off that the server does not account for', unexplained, 0, grouped),
    ],
    samples: phases,
  };
}

/** The loads end at the first wrong reply, so that there is at most one to count. */
async function ask(bench: Bench): Promise<Answer> {
  bench.progress('integrity');
  try {
    return toAnswer(await runPhases(bench), 0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!message.includes('got a wrong reply')) throw error;
    bench.progress(`  ${message}`);
    return toAnswer([], 1);
  }
}

export const integrity: Question = {
  name: 'integrity',
  servers: ['heddle'],
  defaults: { ms: FULL_MS, warmMs: 0 },
  ask,
};
