/** Reads the framing of a server or a connection. */

import * as v from 'valibot';
import { HeddleError } from '../../errors.ts';
import {
  createFraming,
  type CustomFraming,
  type FramingSpec,
  parseFramingSpec,
  type ServiceFraming,
} from '../../framing/framing.ts';
import { typeNote } from '../schema.ts';
import { show } from '../show.ts';
import { anything, refuse } from './value-types.ts';

const form = { form: 'chunk|line[:crlf][,refuse]|length[:SIZE[,NAME=VALUE]]|delimiter:TEXT|marks:START,END|end' };

type AnyFraming = ServiceFraming | CustomFraming;

/** Gives a framing by its text, or as it was given once it is known to be one. */
function read(context: v.RawTransformContext<unknown>): AnyFraming {
  const given = context.dataset.value;
  try {
    const spec = typeof given === 'string' ? parseFramingSpec(given) : given;
    createFraming(spec as AnyFraming, 1);
    return spec as AnyFraming;
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    const problem = error.message.replace('options.framing ', '');
    // What is in an object of the user's is shown in one line, and safely.
    return refuse(
      context,
      typeof given === 'string' ? problem : problem.replace(/, got [^]*$/, `, got ${show(given)}`),
    );
  }
}

const FUNCTIONS = 'must be a framing without functions: one with them belongs in the service, as its framing';

const hasFunctions = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && ('decode' in given || 'head' in given);

/** A server's: threads get it as a copy, so there are no functions in it. */
export const framing: v.GenericSchema<FramingSpec> = v.pipe(
  anything<FramingSpec>(),
  v.check((given) => !hasFunctions(given), FUNCTIONS),
  v.rawTransform((context) => read(context) as FramingSpec),
  typeNote(form),
);

/** A connection's: any. */
export const connectFraming: v.GenericSchema<AnyFraming> = v.pipe(
  anything<AnyFraming>(),
  v.rawTransform(read),
  typeNote(form),
);
