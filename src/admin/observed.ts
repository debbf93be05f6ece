/** Defines what those who watch a server from outside are shown of it, at one moment. */
import type { BoardStats, NotReadingStats } from './server-stats.ts';
import type { CountedByMain, Inherited, Totals } from './totals.ts';
import type { NamedClient } from './words.ts';

export const STATES = ['starting', 'ready', 'draining', 'closed'] as const;

/** What main has counted of its own, since the server started. */
export interface MainCounts extends CountedByMain {
  readonly lastReloadFailed: boolean;
}

/** How often something happened in the last hour. */
export interface LastHourCounts {
  readonly threadExits: number;
  readonly eventsLost: number;
  /** How often a thread stood still for want of a CPU. */
  readonly starved: number;
  /** How many threads were replaced because their priority could be lowered and not raised again. */
  readonly demoted: number;
}

/** How the calls of the service that wait now compare with what was usual. */
export interface HandlerTrend {
  /** How many messages were answered in the last one to two minutes. */
  readonly answered: number;
  /** The smallest part of the clients that had such a call in the last hour; left out where the server is too young to say. */
  readonly usualShare?: number;
}

/** A thread that is blocked now. */
export interface BlockedThread {
  readonly thread: number;
  /** For how long. */
  readonly ms: number;
  /** Whom it serves; left out where it is no client's message that blocks it. */
  readonly client?: NamedClient;
  /** The function and line that blocks it, where that is known. */
  readonly code?: string;
  /** What has called what there, the innermost function first. */
  readonly stack?: readonly string[];
  /** How many of its clients have left it since. */
  readonly moved: number;
  /** How long it took until all that could had left it; left out where they have not yet. */
  readonly reliefMs?: number;
}

/** Blocks that were in the same code. */
export interface CodeBlocks {
  /** The function and line; left out for blocks whose code is not known. */
  readonly code?: string;
  readonly count: number;
  /** How many of them were in the last hour. */
  readonly lastHour: number;
  readonly longestMs: number;
  readonly totalMs: number;
  /** How many clients left the threads meanwhile. */
  readonly moved: number;
  /** Who was served the last time. */
  readonly client?: NamedClient;
}

export interface AcceptQueue {
  readonly listener: string;
  readonly length: number;
  readonly limit: number;
}

export interface CertificateExpiry {
  readonly certificate: string;
  /** In ms since 1970. */
  readonly expires: number;
}

export interface Observed {
  /** Of this process alone. */
  readonly stats: BoardStats;
  readonly notReading: NotReadingStats;
  /** Of all processes of the server so far. */
  readonly totals: Totals;
  readonly inherited: Inherited;
  readonly state: (typeof STATES)[number];
  readonly engine: string;
  readonly threads: { readonly min: number; readonly max: number };
  readonly maxClients: number;
  readonly arena: { readonly used: number; readonly size: number };
  readonly counts: MainCounts;
  readonly lastHour: LastHourCounts;
  readonly handlers: HandlerTrend;
  /** In ms since 1970. */
  readonly now: number;
  /** How long the server has run. */
  readonly uptimeMs: number;
  readonly blocked: readonly BlockedThread[];
  /** The clients that cannot leave a thread that has been blocked for `ms` or longer, by why. */
  readonly behindBlockedFor: (ms: number) => BoardStats['behindBlocked'];
  readonly codes: readonly CodeBlocks[];
  readonly acceptQueue: readonly AcceptQueue[];
  readonly certificates: readonly CertificateExpiry[];
  /** The CPU time of thread `id`, in ms; `undefined` where no clock can be read. */
  readonly cpuTimeOf: (id: number) => number | undefined;
  /** How long the thread was ready and had no CPU, in ms; `undefined` where the kernel does not say. */
  readonly runDelayOf: (id: number) => number | undefined;
}

/** A server, to be asked. */
export interface Watched {
  observe(): Observed;
  /** Rejects if the server has ended, or no thread is free. */
  ping(): Promise<void>;
}
