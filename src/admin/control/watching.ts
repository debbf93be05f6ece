/** Tells over one connection, again and again, how a server changes: all that is shown once a second, and meanwhile what has changed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Verdict } from '../verdict.ts';
import type { Sample } from '../view/sample.ts';
import type { Controlled } from './controlled.ts';
import { type PlaceChanges, PlaceWatch } from './places.ts';
import { SCHEMA, snapshotOf } from './snapshot.ts';
import { longestWaiting } from './waiting.ts';

/** What main spends on a whole sample is some ms, while code that runs so seldom is interpreted. */
const WHOLE_MS = 1_000;

/** What a server is like at one moment. */
export interface Seen extends PlaceChanges {
  readonly schema: typeof SCHEMA;
  /** In ms since 1970. */
  readonly time: number;
  readonly verdict: Verdict;
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

/** Where nothing has changed, nothing is told until the next whole sample. Clients that come are looked for then, or as soon as there are more. */
export async function* watching(controlled: Controlled, request: WatchRequest): AsyncGenerator<Seen> {
  const { everyMs = 0 } = request;
  const places = new PlaceWatch(controlled.memory, request.places);
  let [wholeIn, wasBlocked] = [0, false];
  for (;;) {
    const verdict = controlled.verdict();
    const isWhole = wholeIn <= 0;
    const changes = isWhole ? places.all(verdict.blocked) : places.known(verdict.blocked);
    const seen = { schema: SCHEMA, time: Date.now(), verdict, ...changes } as const;
    const isBlocked = verdict.blocked.length > 0;
    if (isWhole) {
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
