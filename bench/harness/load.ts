/** Runs the load generator against one server, and says what each message cost that server. */
import { Child } from './child.ts';
import { pinned } from './cores.ts';
import { median } from './numbers.ts';

/** Messages are `bytes` long; more than one at a time only as lines, or behind their length. */
export interface LoadOptions {
  readonly clients: number;
  readonly bytes: number;
  /** How many messages each client has under way. */
  readonly depth: number;
  readonly lines: boolean;
  /** Each begins with the length of the rest, in four bytes. */
  readonly isLengthFirst?: boolean;
}

/** How long the clients talk: first that compilers do their work, then for what is measured. */
export interface Slice {
  readonly warmMs: number;
  readonly ms: number;
}

/** What a slice cost: CPU in microseconds a message, of all threads of the server. */
export interface LoadSample {
  readonly messages: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
  /** Part of the measured time that the server was on a CPU. */
  readonly busy: number;
  readonly medianUs: number;
  readonly worstUs: number;
}

interface LoadReport {
  readonly messages: number;
  readonly wallNs: number;
  readonly cpuNs: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly medianUs: number;
  readonly worstUs: number;
}

function isReport(value: unknown): value is LoadReport {
  return typeof value === 'object' && value !== null && 'messages' in value && 'cpuNs' in value;
}

/**
 * The total is the kernel's exact count (`sum_exec_runtime`); the ticks say only how it divides into user and
 * system, as sampled by the timer interrupt.
 */
function toSample(report: LoadReport): LoadSample {
  const totalUs = report.cpuNs / 1_000 / report.messages;
  const ticks = report.userTicks + report.systemTicks;
  const userUs = ticks === 0 ? 0 : (totalUs * report.userTicks) / ticks;
  return {
    messages: report.messages,
    userUs,
    systemUs: totalUs - userUs,
    totalUs,
    busy: report.cpuNs / report.wallNs,
    medianUs: report.medianUs,
    worstUs: report.worstUs,
  };
}

/** Makes one sample of those of several slices: what a message cost in all of them. */
export function addUp(slices: readonly LoadSample[]): LoadSample {
  const messages = slices.reduce((sum, slice) => sum + slice.messages, 0);
  const each = (cost: (slice: LoadSample) => number): number =>
    slices.reduce((sum, slice) => sum + cost(slice) * slice.messages, 0) / messages;
  return {
    messages,
    userUs: each(({ userUs }) => userUs),
    systemUs: each(({ systemUs }) => systemUs),
    totalUs: each(({ totalUs }) => totalUs),
    busy: slices.reduce((sum, { busy }) => sum + busy, 0) / slices.length,
    medianUs: median(slices.map(({ medianUs }) => medianUs)),
    worstUs: Math.max(...slices.map(({ worstUs }) => worstUs)),
  };
}

/** The load on one server. Its clients are connected from its first slice on until it is stopped, and rest between two. */
export class Load {
  readonly #child: Child;

  /** Runs `program` on the CPU `cpu`. */
  constructor(program: string, cpu: number, { pid, port }: { pid: number; port: number }, options: LoadOptions) {
    const { clients, bytes, depth, isLengthFirst = false, lines } = options;
    const known = { port, pid, clients, bytes, depth, lines: lines ? 1 : 0, head: isLengthFirst ? 4 : 0 };
    const words = Object.entries(known).map(([name, value]) => `${name}=${value}`);
    this.#child = new Child(pinned(cpu, [program, ...words]));
  }

  /** Has the clients talk for `warmMs` and then for `ms`, which is measured. Throws if a reply was wrong, a connection broke, or nothing was answered. */
  async slice(warmMs: number, ms: number): Promise<LoadSample> {
    this.#child.say(`${warmMs} ${ms}`);
    const [line] = await this.#child.line(/^\{.*\}$/, warmMs + ms);
    const report: unknown = JSON.parse(line);
    if (!isReport(report) || report.messages === 0) throw new Error('the load measured no message');
    return toSample(report);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

/** Runs a load of one slice. */
export async function runLoad(
  program: string,
  cpu: number,
  server: { pid: number; port: number },
  options: LoadOptions & Slice,
): Promise<LoadSample> {
  const load = new Load(program, cpu, server, options);
  try {
    return await load.slice(options.warmMs, options.ms);
  } finally {
    await load.stop();
  }
}
