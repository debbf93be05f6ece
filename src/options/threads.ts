/** Used to read how many service threads there may be: `4`, `2..24`, or `{ min, max }`. */

import { availableParallelism } from 'node:os';
import { Expected } from './expected.ts';
import type { Kind } from './kind.ts';

/** How many service threads there are at least and at most. */
export interface ThreadRange {
  readonly min: number;
  readonly max: number;
}

/** A fixed number, a range as text such as `2..24`, or its two ends; an end that is left out has its default. */
export type ThreadsInput = number | string | { readonly min?: number; readonly max?: number };

/** Each thread costs some megabytes and a slot of the ThreadBoard. */
export const MOST_THREADS = 500;

export function defaultThreads(): ThreadRange {
  const min = Math.min(availableParallelism(), MOST_THREADS);
  return { min, max: Math.min(4 * min + 4, MOST_THREADS) };
}

export const threadsKind: Kind<ThreadsInput, ThreadRange> = { form: 'n|min..max', read: readThreads };

function readThreads(value: unknown): ThreadRange {
  if (typeof value === 'number') return fixed(value);
  if (typeof value === 'string') return readText(value);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return readEnds(value);
  throw new Expected('a positive integer, a range such as 2..24, or { min, max }');
}

function fixed(count: number): ThreadRange {
  requireCount(count, '');
  return { min: count, max: count };
}

function readText(text: string): ThreadRange {
  if (/^-?\d+$/.test(text)) return fixed(Number(text));
  const match = /^(\d+)\.\.(\d+)$/.exec(text);
  if (match === null) throw new Expected('a positive integer or a range such as 2..24');
  const min = Number(match[1]);
  const max = Number(match[2]);
  if (min < 1 || max < min || max > MOST_THREADS)
    throw new Expected(`a range from 1 to at most ${MOST_THREADS}, such as 2..24`);
  return { min, max };
}

function readEnds(ends: object): ThreadRange {
  const { min: low, max: high, ...others }: { min?: unknown; max?: unknown } = ends;
  if (Object.keys(others).length > 0) throw new Expected('{ min, max } and nothing else');
  const defaults = defaultThreads();
  const givenMin = low === undefined ? undefined : requireCount(low, '.min');
  const givenMax = high === undefined ? undefined : requireCount(high, '.max');
  const max = givenMax ?? Math.max(defaults.max, givenMin ?? 1);
  const min = givenMin ?? Math.min(defaults.min, max);
  if (min > max) throw new Expected(`at least threads.min, which is ${min}`, '.max', max);
  return { min, max };
}

function requireCount(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new Expected('a positive integer', path, value);
  }
  if (value > MOST_THREADS) throw new Expected(`at most ${MOST_THREADS}`, path, value);
  return value;
}
