/** Runs the load generator against one server, and says what each message cost that server. */
import { Child } from './child.ts';
import { pinned } from './cores.ts';

/** One round of load. Every message is 64 bytes or what `bytes` says; more than one at a time only as lines. */
export interface LoadOptions {
  readonly clients: number;
  readonly bytes: number;
  /** How many messages each client has under way. */
  readonly depth: number;
  readonly lines: boolean;
  readonly warmMs: number;
  readonly ms: number;
}

/** What one round cost: CPU in microseconds a message, of all threads of the server. */
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

/** Throws if a reply was wrong, a connection broke, or nothing was answered. */
export async function runLoad(
  program: string,
  cpu: number,
  server: { pid: number; port: number },
  load: LoadOptions,
): Promise<LoadSample> {
  const words = [
    `port=${server.port}`,
    `pid=${server.pid}`,
    `clients=${load.clients}`,
    `bytes=${load.bytes}`,
    `depth=${load.depth}`,
    `lines=${load.lines ? 1 : 0}`,
    `warm=${load.warmMs}`,
    `ms=${load.ms}`,
  ];
  const report: unknown = JSON.parse(await new Child(pinned(cpu, [program, ...words])).output());
  if (!isReport(report) || report.messages === 0) throw new Error('the load measured no message');
  return toSample(report);
}
