/** Shows a server at one moment, as the JSON that the commands read. */
import type { Controlled, ThreadTimes } from './controlled.ts';
import type { BlockedThread, CodeBlocks, Observed } from '../observed.ts';
import type { Deploy } from '../../log/event.ts';
import type { ThreadStats } from '../server-stats.ts';
import type { Inherited } from '../totals.ts';
import { latencyBounds } from '../../sharing/latency-buckets.ts';
import { maxFiles, openFiles } from '../process-metrics.ts';
import { type Verdict, verdictOf } from '../verdict.ts';

/** Rises when a field changes its meaning or goes; fields may come without it. */
export const SCHEMA = 1;

export interface SnapshotThread extends ThreadTimes {
  readonly id: number;
  readonly clients: number;
  readonly messages: number;
  /** 0: it is not blocked. */
  readonly blockedMs: number;
  readonly block?: BlockedThread;
}

export interface Snapshot {
  readonly schema: typeof SCHEMA;
  readonly server: Controlled['about'] & { readonly state: string; readonly uptimeMs: number };
  /** In ms since 1970. */
  readonly time: number;
  readonly verdict: Verdict;
  readonly threads: readonly SnapshotThread[];
  readonly clients: number;
  readonly messages: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly longestResponseMs: number;
  /** The upper bounds of the buckets of `response`, in seconds. */
  readonly bounds: readonly number[];
  readonly response: readonly number[];
  readonly closes: Readonly<Record<string, number>>;
  readonly moves: Readonly<Record<string, number>>;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly starved: number;
  readonly codes: readonly CodeBlocks[];
  readonly arena: Observed['arena'];
  readonly counts: Observed['counts'];
  /** 1 + the number of take-overs. */
  readonly generation: number;
  /** The last 16, the newest last. */
  readonly deploys: readonly Deploy[];
  /** The process before this one, while it serves its last clients. */
  readonly predecessor?: NonNullable<Inherited['predecessor']>;
  readonly acceptQueue: Observed['acceptQueue'];
  /** Files that the process has open, and may have open; left out where that is not known. */
  readonly files?: { readonly used: number; readonly limit: number };
}

export function snapshotOf(controlled: Controlled): Snapshot {
  const observed = controlled.observe();
  const { acceptQueue, arena, codes, counts, inherited, now, state, stats, uptimeMs } = observed;
  const { deploys, generation, predecessor } = inherited;
  const { accepted, clients, closes, messages, moves, receivedBytes, rejected, sentBytes, starved } = stats;
  const running = stats.threads.filter(({ isRunning }) => isRunning);
  return {
    schema: SCHEMA,
    server: { ...controlled.about, state, uptimeMs },
    time: now,
    verdict: verdictOf(observed),
    threads: running.map((thread) => threadOf(thread, observed, controlled)),
    clients,
    messages,
    receivedBytes,
    sentBytes,
    longestResponseMs: stats.longestResponse * 1000,
    bounds: latencyBounds(),
    response: [...stats.response],
    closes,
    moves,
    accepted,
    rejected,
    starved,
    codes,
    arena,
    counts,
    generation,
    deploys,
    ...(predecessor !== undefined && { predecessor }),
    acceptQueue,
    ...filesNow(),
  };
}

function filesNow(): Pick<Snapshot, 'files'> {
  const [used, limit] = [openFiles(), maxFiles()];
  return used === undefined || limit === undefined || limit === Infinity ? {} : { files: { used, limit } };
}

function threadOf(
  { blockedMs, clients, id, messages }: ThreadStats,
  observed: Observed,
  controlled: Controlled,
): SnapshotThread {
  const block = observed.blocked.find(({ thread }) => thread === id);
  return { id, clients, messages, blockedMs, ...controlled.threadTimes(id), ...(block !== undefined && { block }) };
}
