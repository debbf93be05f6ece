/** Used to read how many service threads there may be: `4`, `2..24`, or `{ min, max }`. */

import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { typeNotes } from './schema.ts';
import { byForm, integer } from './value-types.ts';

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
  const min = Math.min(availableParallelism(), MOST_THREADS);
  return { min, max: Math.min(4 * min + 4, MOST_THREADS) };
}

const count = integer(1, MOST_THREADS);

const fixed = z.preprocess(Number, count).transform((threads): ThreadRange => ({ min: threads, max: threads }));

const range = z
  .string()
  .regex(/^\d+\.\.\d+$/, { error: 'must be a positive integer or a range such as 2..24', abort: true })
  .transform((text): ThreadRange => {
    const [min = 0, max = 0] = text.split('..').map(Number);
    return { min, max };
  })
  .refine(({ min, max }) => Math.min(min, max) >= 1 && Math.max(min, max) <= MOST_THREADS, {
    error: `must be a range from 1 to at most ${MOST_THREADS}, such as 2..24`,
    abort: true,
  })
  .check(({ value: { min, max }, issues }) => {
    const message = `must have the smaller number first, as in ${max}..${min}`;
    if (max < min) issues.push({ code: 'custom', message, input: `${min}..${max}` });
  });

const ends = z
  .strictObject({ min: count.optional(), max: count.optional() }, 'must be { min, max } and nothing else')
  .transform(({ min: givenMin, max: givenMax }): ThreadRange => {
    const defaults = defaultThreads();
    const max = givenMax ?? Math.max(defaults.max, givenMin ?? 1);
    return { min: givenMin ?? Math.min(defaults.min, max), max };
  })
  .check(({ value: { min, max }, issues }) => {
    const message = `must be at least threads.min, which is ${min}`;
    if (max < min) issues.push({ code: 'custom', path: ['max'], message, input: max });
  });

const neither = z.never('must be a positive integer, a range such as 2..24, or { min, max }');

export const threads = byForm<ThreadsInput, ThreadRange>((value) => {
  if (typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value))) return fixed;
  if (typeof value === 'string') return range;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? ends : neither;
}).register(typeNotes, { form: 'n|min..max' });
