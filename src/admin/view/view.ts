/** Turns what was asked of a server, twice, into what is shown of it. */
import { CLOSED_BY } from '../closed-by.ts';
import type { Deploy } from '../../log/event.ts';
import type { Snapshot } from '../control/snapshot.ts';
import type { WaitingClient } from '../control/waiting.ts';
import type { CodeBlocks } from '../observed.ts';
import type { Verdict } from '../verdict.ts';
import { type Limit, limitsOf } from './limits.ts';
import type { Sample } from './sample.ts';
import { increase, type ThreadView, threadViews, withBlock } from './threads.ts';
import { countsBetween, type Waits, waitsOf } from './waits.ts';

/** What happens each second. */
export interface Rates {
  readonly messages: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly accepted: number;
  readonly left: number;
  /** How many clients changed threads. */
  readonly moves: number;
}

/** Why clients have left since the server started, most first. */
export interface Closed {
  readonly reason: string;
  readonly by: string;
  readonly count: number;
}

export interface View {
  readonly schema: 1;
  readonly server: Snapshot['server'];
  /** In ms since 1970. */
  readonly time: number;
  readonly verdict: Verdict;
  /** Since the sample before; since the server started, if there is none. */
  readonly waits: Waits;
  /** The longest of the last 60 s, in ms. */
  readonly longestMs: number;
  readonly clients: number;
  /** Left out until there are two samples. */
  readonly rates?: Rates;
  readonly threads: readonly ThreadView[];
  /** Those that wait longest, the longest first. */
  readonly waiting: readonly WaitingClient[];
  /** The nearest first. */
  readonly limits: readonly Limit[];
  readonly closed: readonly Closed[];
  /** How many clients the server has cut off since it started: by a limit, or for a fault. */
  readonly cutOff: number;
  /** The code that has blocked threads, that of the longest block first. */
  readonly codes: readonly CodeBlocks[];
  readonly starved: number;
  /** The last deploy; left out if there was none. */
  readonly deploy?: Deploy;
  readonly predecessor?: NonNullable<Snapshot['predecessor']>;
}

const CUT_OFF: ReadonlySet<string> = new Set(['limit', 'fault']);

/** `before`: an earlier sample of the same server; without it there are no rates. */
export function viewOf({ snapshot, waiting }: Sample, before?: Sample): View {
  const {
    bounds,
    clients,
    codes,
    longestResponseMs: longestMs,
    predecessor,
    server,
    starved,
    time,
    verdict,
  } = snapshot;
  const deploy = snapshot.deploys?.at(-1);
  const earlier = before?.snapshot.server.pid === server.pid ? before.snapshot : undefined;
  const ms = earlier === undefined ? 0 : time - earlier.time;
  const closed = closedOf(snapshot.closes);
  const rates = ratesOf(snapshot, earlier, ms);
  return {
    schema: 1,
    server,
    time,
    verdict,
    waits: waitsOf(countsBetween(earlier?.response ?? [], snapshot.response), bounds),
    longestMs,
    clients,
    ...(rates !== undefined && { rates }),
    threads: threadViews(snapshot.threads, earlier?.threads ?? [], ms),
    waiting,
    limits: limitsOf(snapshot),
    closed,
    cutOff: closed.reduce((sum, { by, count }) => sum + (CUT_OFF.has(by) ? count : 0), 0),
    codes,
    starved,
    ...(deploy !== undefined && { deploy }),
    ...(predecessor !== undefined && { predecessor }),
  };
}

/** What is known of a later moment: who waits, and which threads are blocked. */
export function viewAt(view: View, time: number, verdict: Verdict): View {
  const blocks = new Map(verdict.blocked.map((block) => [block.thread, block]));
  const threads = view.threads.map((thread) => withBlock(thread, blocks.get(thread.id)));
  return { ...view, time, verdict, threads };
}

function closedOf(closes: Snapshot['closes']): Closed[] {
  const all = Object.entries(closes).filter(([, count]) => count > 0);
  const named = all.map(([reason, count]) => ({
    reason,
    by: (CLOSED_BY as Record<string, string>)[reason] ?? '',
    count,
  }));
  return named.sort((one, other) => other.count - one.count);
}

function ratesOf(now: Snapshot, before: Snapshot | undefined, ms: number): Rates | undefined {
  if (before === undefined || ms <= 0) return undefined;
  const rate = (counted: (snapshot: Snapshot) => number): number =>
    (increase(counted(now), counted(before), ms) ?? 0) * 1000;
  return {
    messages: rate(({ messages }) => messages),
    receivedBytes: rate(({ receivedBytes }) => receivedBytes),
    sentBytes: rate(({ sentBytes }) => sentBytes),
    accepted: rate(({ accepted }) => accepted),
    left: rate(({ closes }) => sumOf(closes)),
    moves: rate(({ moves }) => sumOf(moves)),
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
