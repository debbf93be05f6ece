/** Runs the load on threads of its own, and adds up their figures. */

import { Worker } from 'node:worker_threads';
import { peerText } from '../client/peer-text.ts';
import { HeddleError } from '../errors.ts';
import { tooFewThreads } from '../sys/thread-limit.ts';
import { ControlWords } from './control-words.ts';
import { GroupFigures, type LoadRecord } from './figures/figures.ts';
import { Histogram } from './figures/histogram.ts';
import { type LoadPlan, shares } from './plan.ts';

/** What a generator thread is given. */
export interface GeneratorData {
  readonly plan: LoadPlan;
  readonly control: SharedArrayBuffer;
  /** How many generators there are. */
  readonly count: number;
}

/** What a generator thread has to say when it is done: its figures, or why it could not connect. */
type GeneratorEnd = { readonly record: LoadRecord } | { readonly problem: string };

/** The same, or before that: the measured time begins, or is over. */
export type GeneratorMessage = GeneratorEnd | 'edge';

/** Figures of a run. */
export interface LoadFigures {
  readonly groups: readonly GroupFigures[];
  readonly late: Histogram;
  readonly runDelayMs: number | undefined;
  readonly serverCpuMs: number | undefined;
  readonly idle: number;
  readonly idleLost: number;
  /** The time that was measured. */
  readonly ms: number;
}

/**
 * Runs `plan` on `generators` threads. When `signal` is aborted it ends early, with the figures so far.
 * `onEdge` is called when the measured time begins, and when it is over.
 * Rejects with HEDDLE_CONNECT, or HEDDLE_UNSUPPORTED if the system starts no more threads.
 */
export async function runLoad(
  plan: LoadPlan,
  generators: number,
  signal: AbortSignal,
  onEdge: () => void,
): Promise<LoadFigures> {
  const plans = shares(plan, generators);
  const control = ControlWords.allocate();
  const words = new ControlWords(control, plans.length);
  const end = (): void => words.end();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    const parts = plans.map((part) => runThread({ plan: part, control, count: plans.length }, end, onEdge));
    const messages = await Promise.all(parts);
    const records = messages.map((message) => {
      if ('problem' in message) throw cannotConnect(plan, message.problem);
      return message.record;
    });
    return addUp(records);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function runThread(data: GeneratorData, end: () => void, onEdge: () => void): Promise<GeneratorEnd> {
  return new Promise((resolve, reject) => {
    const thread = startThread(data);
    thread.on('message', (message: GeneratorMessage) => {
      if (message === 'edge') return onEdge();
      if ('problem' in message) end();
      resolve(message);
    });
    thread.once('error', (error) => {
      end();
      reject(sameError(error));
    });
    thread.once('exit', (status) => reject(new Error(`a generator thread ended with status ${status}`)));
  });
}

/** An error of the module that judges replies comes from its thread without its class. */
function sameError(error: Error & { readonly code?: unknown }): Error {
  const code = 'HEDDLE_INVALID_OPTION';
  return error.code === code ? new HeddleError(code, error.message, { cause: error }) : error;
}

function startThread(workerData: GeneratorData): Worker {
  try {
    return new Worker(new URL('./load-thread.cjs', import.meta.url), { workerData });
  } catch (error) {
    throw tooFewThreads(error) ?? error;
  }
}

function cannotConnect({ settings }: LoadPlan, problem: string): HeddleError {
  const advice = problem.startsWith('EMFILE')
    ? 'Raise the limit of open files with ulimit -n'
    : 'Does it take so many clients?';
  return new HeddleError(
    'HEDDLE_CONNECT',
    `Cannot open all connections to ${peerText(settings)}: ${problem}. ${advice}`,
  );
}

function addUp(records: readonly LoadRecord[]): LoadFigures {
  const groups: GroupFigures[] = [];
  const late = new Histogram();
  for (const record of records) {
    late.add(record.late);
    for (const [index, part] of record.groups.entries()) {
      const group = (groups[index] ??= new GroupFigures(part.name, 0));
      group.clients += part.clients;
      group.add(part);
    }
  }
  const sum = (value: (record: LoadRecord) => number): number =>
    records.reduce((total, record) => total + value(record), 0);
  const hasDelay = records.every(({ runDelayMs }) => runDelayMs !== undefined);
  return {
    groups,
    late,
    runDelayMs: hasDelay ? sum(({ runDelayMs }) => runDelayMs ?? 0) : undefined,
    serverCpuMs: records.find(({ serverCpuMs }) => serverCpuMs !== undefined)?.serverCpuMs,
    idle: sum(({ idle }) => idle),
    idleLost: sum(({ idleLost }) => idleLost),
    ms: Math.max(...records.map(({ ms }) => ms)),
  };
}
