/** Reads the framing of a server or a connection; a framing of the user's own is the service's to say. */

import * as v from 'valibot';
import { HeddleError } from '../../errors.ts';
import { type FramingSpec, parseFramingSpec } from '../../framing/framing.ts';
import { typeNote } from '../schema.ts';
import { anything, refuse } from './value-types.ts';

const byName = v.pipe(
  v.string(),
  v.rawTransform((context): FramingSpec => {
    try {
      return parseFramingSpec(context.dataset.value);
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      return refuse(context, error.message.replace('options.framing ', ''));
    }
  }),
);

const expected =
  "must be chunk, line, length, end, { line: 'lf', atEnd }, { length: 1, 2 or 4 } or { delimiter: text or bytes, atEnd }; atEnd is refuse or message";

const isBytes = (value: unknown) => (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0;

const atEnd = v.optional(v.picklist(['refuse', 'message']));

const byObject = v.union(
  [
    v.strictObject({ line: v.literal('lf'), atEnd }),
    v.strictObject({ length: v.picklist([1, 2, 4]) }),
    v.strictObject({ delimiter: v.custom<string | Uint8Array>(isBytes), atEnd }),
  ],
  expected,
);

const own = v.never('must be a framing by name: one of your own belongs in the service, as its framing');

const neither = v.never(expected);

export const framing: v.GenericSchema<FramingSpec> = v.pipe(
  anything<FramingSpec>(),
  v.lazy((value): v.GenericSchema<unknown, FramingSpec> => {
    if (typeof value === 'string') return byName;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return neither;
    return 'decode' in value ? own : byObject;
  }),
  typeNote({ form: 'chunk|line[:refuse]|length[:1|2|4]|delimiter:TEXT|end' }),
);
