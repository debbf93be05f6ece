/** Says in one or two sentences who waits, and which thread is blocked, by which client. */
import type { BlockedThread, Observed } from './observed.ts';
import { BEHIND_CAUSES, type BehindCause } from './server-stats.ts';
import { clientText, countText, durationText } from './words.ts';

const NOBODY_WAITS = 'No client waits for another.';

const WHY: Readonly<Record<BehindCause, string>> = {
  session: 'a session stays on its thread',
  tls: 'a TLS client stays on its thread',
  handler: 'their handlers have not returned',
  'no-thread': 'no other thread is free',
};

export interface Verdict {
  readonly text: string;
  /** How many clients are on blocked threads and cannot leave. */
  readonly waiting: number;
  /** The threads that are blocked now, the longest first. */
  readonly blocked: readonly BlockedThread[];
}

/** Where no thread is blocked. */
export const ALL_WELL: Verdict = { text: NOBODY_WAITS, waiting: 0, blocked: [] };

interface Known {
  readonly blocked: Observed['blocked'];
  readonly stats: Pick<Observed['stats'], 'behindBlocked'>;
}

export function verdictOf({ blocked: threads, stats }: Known): Verdict {
  const blocked = threads.toSorted((one, other) => other.ms - one.ms);
  const waiting = BEHIND_CAUSES.reduce((sum, why) => sum + stats.behindBlocked[why], 0);
  const sentences = [waiting === 0 ? NOBODY_WAITS : waitingText(waiting, stats.behindBlocked)];
  const [first] = blocked;
  if (first !== undefined) sentences.push(blockedText(first));
  if (blocked.length > 1) {
    const [others, are] = [countText(blocked.length - 1, 'more thread'), blocked.length === 2 ? 'is' : 'are'];
    sentences.push(`${others} ${are} blocked.`);
  }
  return { text: sentences.join(' '), waiting, blocked };
}

function waitingText(waiting: number, behind: Readonly<Record<BehindCause, number>>): string {
  const why = BEHIND_CAUSES.filter((cause) => behind[cause] > 0).map((cause) => WHY[cause]);
  const [wait, leave] = waiting === 1 ? ['waits', 'it'] : ['wait', 'they'];
  return `${countText(waiting, 'client')} ${wait} behind a blocked thread that ${leave} cannot leave: ${why.join('; ')}.`;
}

/** Such as: Thread 3 has been blocked for 6.2 s by client #88213 (10.0.4.17:51544) in slowReport report.ts:41; … */
export function blockedText({ client, code, moved, ms, reliefMs, thread }: BlockedThread): string {
  const by =
    client === undefined ? ' by no client: a timer, a promise, or the garbage collector' : ` by ${clientText(client)}`;
  const where = code === undefined ? '' : ` in ${code}`;
  return `Thread ${thread} has been blocked for ${durationText(ms)}${by}${where}${leftText(moved, reliefMs)}.`;
}

function leftText(moved: number, reliefMs: number | undefined): string {
  if (moved === 0 || reliefMs === undefined) return '';
  const others = moved === 1 ? 'its other client' : `its ${moved.toLocaleString('en-US')} other clients`;
  return `; ${others} left within ${durationText(reliefMs)}`;
}
