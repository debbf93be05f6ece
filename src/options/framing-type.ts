/** Used to read the framing of a server or a connection; a framing of the user's own is the service's to say. */

import * as z from 'zod';
import { HeddleError } from '../errors.ts';
import { type FramingSpec, parseFramingSpec } from '../framing/framing.ts';
import { typeNotes } from './schema.ts';
import { byForm, refuse } from './value-types.ts';

const byName = z.string().transform((text, context): FramingSpec => {
  try {
    return parseFramingSpec(text);
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return refuse(context, error.message.replace('options.framing ', ''), { saysValue: true });
  }
});

const expected = 'must be chunk, line, length, end, { length: 1, 2 or 4 } or { delimiter: text or bytes }';

const bytes = z.union([z.string(), z.instanceof(Uint8Array)]).refine(({ length }) => length > 0, { abort: true });

const byObject = z.union(
  [z.strictObject({ length: z.literal([1, 2, 4]) }, expected), z.strictObject({ delimiter: bytes }, expected)],
  expected,
);

const own = z.never('must be a framing by name: one of your own belongs in the service, as its framing');

export const framing = byForm<FramingSpec, FramingSpec>((value) => {
  if (typeof value === 'string') return byName;
  return typeof value === 'object' && value !== null && 'decode' in value ? own : byObject;
}).register(typeNotes, { form: 'chunk|line|length[:1|2|4]|delimiter:TEXT|end' });
