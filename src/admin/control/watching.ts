/** Tells over one connection, again and again, how a server changes: all that is shown once a second, and meanwhile what has changed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Verdict } from '../verdict.ts';
import type { Sample } from '../view/sample.ts';
import type { Controlled } from './controlled.ts';
import { type Place, placesOf } from './places.ts';
import { SCHEMA, snapshotOf } from './snapshot.ts';
import { longestWaiting } from './waiting.ts';

/** What main spends on a whole sample is some ms, while code that runs so seldom is interpreted. */
const WHOLE_MS = 1_000;

/** What a server is like at one moment. */
export interface Seen {
  readonly schema: typeof SCHEMA;
  /** In ms since 1970. */
  readonly time: number;
  readonly verdict: Verdict;
  /** The clients that have come, or changed threads, since the line before. */
  readonly moved: readonly Place[];
  /** The clients that are not there any more. */
  readonly left: readonly number[];
  /** Once a second. */
  readonly sample?: Sample;
}

export interface WatchRequest {
  /** Left out: it is told once. */
  readonly everyMs?: number;
  /** How many clients that wait are told, and how many places, at most. */
  readonly waiting: number;
  readonly places: number;
}

/** Where nothing has changed, nothing is told until the next whole sample. */
export async function* watching(controlled: Controlled, request: WatchRequest): AsyncGenerator<Seen> {
  const { everyMs = 0 } = request;
  const told = new Map<number, number>();
  let [wholeIn, wasBlocked] = [0, false];
  for (;;) {
    const verdict = controlled.verdict();
    const changes = changesOf(request.places === 0 ? [] : placesOf(controlled, request.places), told);
    const seen = { schema: SCHEMA, time: Date.now(), verdict, ...changes } as const;
    const isBlocked = verdict.blocked.length > 0;
    if (wholeIn <= 0) {
      const waiting = await longestWaiting(controlled, request.waiting);
      yield { ...seen, sample: { snapshot: snapshotOf(controlled), waiting } };
      wholeIn = WHOLE_MS;
    } else if (isBlocked || wasBlocked || changes.moved.length + changes.left.length > 0) {
      yield seen;
    }
    if (request.everyMs === undefined) return;
    [wasBlocked, wholeIn] = [isBlocked, wholeIn - everyMs];
    await delay(everyMs, undefined, { ref: false });
  }
}

/** `told`: the thread of each client, as the reader knows it; it is brought up to date. */
function changesOf(places: readonly Place[], told: Map<number, number>): Pick<Seen, 'moved' | 'left'> {
  const moved = places.filter(([id, thread]) => told.get(id) !== thread);
  for (const [id, thread] of moved) told.set(id, thread);
  if (told.size === places.length) return { moved, left: [] };
  const here = new Set(places.map(([id]) => id));
  const left = [...told.keys()].filter((id) => !here.has(id));
  for (const id of left) told.delete(id);
  return { moved, left };
}
