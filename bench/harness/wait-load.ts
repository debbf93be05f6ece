/** Runs the clients that wait, light ones beside burners, and says how long the light ones waited. */
import { Child } from './child.ts';
import { pinned } from './cores.ts';

export interface WaitLoad {
  readonly lights: number;
  /** Clients that each ask, in a closed loop, for a message that costs `burnMs` of CPU time. */
  readonly burners: number;
  readonly burnMs: number;
  /** The mean time from one line of a light client to its next, if the reply does not take longer. */
  readonly thinkMs: number;
  readonly warmMs: number;
  readonly ms: number;
  /** Whether clients may be cut off: they are counted, and come back. */
  readonly lossy?: boolean;
  /** Ends the measured time early when it settles. */
  readonly until?: Promise<unknown>;
  /** The file that gets a line for each reply of the measured time. */
  readonly trace?: string;
}

/** Waits of the light clients in the measured time, in microseconds. */
export interface WaitSample {
  /** Replies that were right, of all clients, from the start to the end. */
  readonly checked: number;
  readonly measured: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly worstUs: number;
  /** The longest wait before the measured time, while pools grew and compilers worked. */
  readonly warmWorstUs: number;
  /** How late the generator itself was at worst: the time from when a line was due to when it was sent. */
  readonly lateUs: number;
  /** Messages of burners that were answered in the measured time. */
  readonly burns: number;
  /** Clients cut off while they waited for a reply, and while they did not. */
  readonly lostWaiting: number;
  readonly lostResting: number;
  /** What keeps the generator from being late: `nice -20`, `slice 0.1 ms` or `none`. */
  readonly priority: string;
}

function isSample(value: unknown): value is WaitSample {
  return typeof value === 'object' && value !== null && 'worstUs' in value && 'lostResting' in value;
}

/** Throws if a reply was wrong, or a connection broke that must not. */
export async function runWaitLoad(
  program: string,
  cpus: readonly number[],
  port: number,
  { burnMs, thinkMs, warmMs, lossy, until, ...load }: WaitLoad,
): Promise<WaitSample> {
  const options = { port, burn: burnMs, think: thinkMs, warm: warmMs, lossy: lossy === true ? 1 : 0, ...load };
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const child = new Child(pinned(cpus, [program, ...words]));
  const end = (): void => void child.stop();
  until?.then(end, end);
  const report: unknown = JSON.parse(await child.output());
  if (!isSample(report) || report.measured === 0) throw new Error('no wait was measured');
  return report;
}
