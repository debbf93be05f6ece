/** Reads how many service threads there may be: `4`, `2..24`, or `{ min, max }`. */

import * as v from 'valibot';
import { typeNote } from '../schema.ts';
import { anything, integer } from './value-types.ts';
import { cpuCount } from '../../sys/cpu-count.ts';

/** How many service threads there are at least and at most. */
export interface ThreadRange {
  readonly min: number;
  readonly max: number;
}

/** A fixed number, a range as text such as `2..24`, or its two ends; an end that is left out has its default. */
export type ThreadsInput = number | string | { readonly min?: number; readonly max?: number };

/** Each thread costs some megabytes and a slot of the ThreadBoard. */
const MOST_THREADS = 500;

export function defaultThreads(): ThreadRange {
  const min = Math.min(cpuCount(), MOST_THREADS);
  return { min, max: Math.min(4 * min + 4, MOST_THREADS) };
}

const count = integer(1, MOST_THREADS);

const fixed = v.pipe(
  anything<number | string>(),
  v.transform(Number),
  count,
  v.transform((threads): ThreadRange => ({ min: threads, max: threads })),
);

const range = v.pipe(
  v.string(),
  v.regex(/^\d+\.\.\d+$/, 'must be a positive integer or a range such as 2..24'),
  v.transform((text): ThreadRange => {
    const [min = 0, max = 0] = text.split('..').map(Number);
    return { min, max };
  }),
  v.check(
    ({ min, max }) => Math.min(min, max) >= 1 && Math.max(min, max) <= MOST_THREADS,
    `must be a range from 1 to at most ${MOST_THREADS}, such as 2..24`,
  ),
  v.check(
    ({ min, max }) => min <= max,
    ({ input: { min, max } }) => `must have the smaller number first, as in ${max}..${min}`,
  ),
);

const ends = v.pipe(
  v.strictObject({ min: v.optional(count), max: v.optional(count) }, 'must be { min, max } and nothing else'),
  v.forward(
    v.check(
      ({ min = 1, max = MOST_THREADS }) => min <= max,
      ({ input: { min } }) => `must be at least threads.min, which is ${min}`,
    ),
    ['max'],
  ),
  v.transform(({ min: givenMin, max: givenMax }): ThreadRange => {
    const defaults = defaultThreads();
    const max = givenMax ?? Math.max(defaults.max, givenMin ?? 1);
    return { min: givenMin ?? Math.min(defaults.min, max), max };
  }),
);

const neither = v.never('must be a positive integer, a range such as 2..24, or { min, max }');

export const threads: v.GenericSchema<ThreadsInput, ThreadRange> = v.pipe(
  anything<ThreadsInput>(),
  v.lazy((value): v.GenericSchema<unknown, ThreadRange> => {
    if (typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value))) return fixed;
    if (typeof value === 'string') return range;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? ends : neither;
  }),
  typeNote({ form: 'n|min..max' }),
);
