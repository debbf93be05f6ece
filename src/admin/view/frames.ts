/** Defines what the page is sent of a server, several times a second. */
import type { Place } from '../control/places.ts';
import type { View } from './view.ts';

/** Where clients and threads were at one moment. */
export interface Frame {
  /** In ms since 1970. */
  readonly time: number;
  /** The numbers of the threads that there are. */
  readonly threads: readonly number[];
  readonly places: readonly Place[];
  readonly blocks: readonly FrameBlock[];
}

export interface FrameBlock {
  readonly thread: number;
  readonly ms: number;
  /** The client that blocks the thread. */
  readonly client?: number;
}

/** How many messages had waited how long in one second: a count for each power of two of microseconds. */
export interface Heat {
  readonly time: number;
  readonly counts: readonly number[];
}

export interface Tick {
  readonly view: View;
  readonly frame: Frame;
  /** A second is over. */
  readonly heat?: Heat;
}

/** What a page is told first: what was seen before it came. */
export interface Hello extends Tick {
  readonly frames: readonly Frame[];
  readonly heats: readonly Heat[];
}

export function frameOf(view: View, places: readonly Place[]): Frame {
  const blocks = view.threads.flatMap(({ block, id: thread }) =>
    block === undefined
      ? []
      : [{ thread, ms: block.ms, ...(block.client !== undefined && { client: block.client.id }) }],
  );
  return { time: view.time, threads: view.threads.map(({ id }) => id), places, blocks };
}

/** `counts` has two buckets for each power of two. */
export function heatOf(time: number, counts: readonly number[]): Heat {
  const pairs = Array.from({ length: counts.length / 2 }, (_, at) => (counts[2 * at] ?? 0) + (counts[2 * at + 1] ?? 0));
  return { time, counts: pairs };
}
