/** Defines what the page is sent of a server, several times a second. */
import type { Place } from '../control/places.ts';
import type { Seen } from '../control/watching.ts';
import type { Verdict } from '../verdict.ts';
import type { View } from './view.ts';

/** How clients and threads have changed since the frame before. */
export interface Frame {
  /** In ms since 1970. */
  readonly time: number;
  /** The numbers of the threads that there are. */
  readonly threads: readonly number[];
  /** Clients that have come, or changed threads. */
  readonly moved: readonly Place[];
  readonly left: readonly number[];
  readonly blocks: readonly FrameBlock[];
}

export interface FrameBlock {
  readonly thread: number;
  readonly ms: number;
  /** The client that blocks the thread. */
  readonly client?: number;
}

/** One second. */
export interface Heat {
  readonly time: number;
  /** How many messages had waited how long: a count for each power of two of microseconds. */
  readonly counts: readonly number[];
  /** The verdict of that time. */
  readonly said: string;
}

export interface Tick {
  readonly verdict: Verdict;
  readonly frame: Frame;
  /** All that is shown, once a second. */
  readonly view?: View;
  /** A second is over. */
  readonly heat?: Heat;
}

/** From when to when something was seen. */
export type Span = readonly [first: number, last: number];

/** A loom as JSON: moves name runs by their index, and an end of `null` has not come. */
export interface LoomState {
  readonly time: number;
  readonly threads: readonly (readonly [thread: number, span: Span])[];
  readonly runs: readonly (readonly [
    client: number,
    thread: number,
    slot: number,
    from: number,
    to: number | null,
    isLeft: 0 | 1,
  ])[];
  readonly moves: readonly (readonly [at: number, from: number, to: number])[];
  readonly blocks: readonly (readonly [thread: number, from: number, to: number | null, client: number | null])[];
}

/** What a page may do. */
export interface Rights {
  readonly kick: boolean;
  readonly send: boolean;
}

/** What was seen before a page came. */
export interface Hello {
  readonly view: View;
  readonly loom: LoomState;
  readonly heats: readonly Heat[];
}

/** `threads`: the numbers of those that there are. */
export function frameOf(
  { time, verdict }: Pick<Seen, 'time' | 'verdict'>,
  threads: readonly number[],
  { left, moved }: Pick<Frame, 'moved' | 'left'>,
): Frame {
  const blocks = verdict.blocked.map(({ client, ms, thread }) => {
    return { thread, ms, ...(client !== undefined && { client: client.id }) };
  });
  return { time, threads, moved, left, blocks };
}

/** `counts` has two buckets for each power of two. */
export function heatOf(time: number, counts: readonly number[], said: string): Heat {
  const pairs = Array.from({ length: counts.length / 2 }, (_, at) => (counts[2 * at] ?? 0) + (counts[2 * at + 1] ?? 0));
  return { time, counts: pairs, said };
}
