/** Reads where the module of a service is; refuses a service itself, which threads could not load. */
import * as v from 'valibot';
import { typeNote } from '../schema.ts';
import { show } from '../show.ts';
import { anything, refuse } from './value-types.ts';

const FORM = 'the URL or the path of a module';

const ADVICE =
  "each thread loads the service itself. Write `export default defineService({ … })` in a file of its own, such as service.js, and name that file: `serve({ service: new URL('./service.js', import.meta.url) })`";

export function serviceModule(): v.GenericSchema<URL | string> {
  return v.pipe(
    anything<URL | string>(),
    v.rawTransform((context): URL | string => {
      const given: unknown = context.dataset.value;
      if (given instanceof URL || (typeof given === 'string' && given !== '')) return given;
      if (typeof given === 'function' || (typeof given === 'object' && given !== null)) {
        const what = typeof given === 'function' ? 'a function' : 'an object';
        return refuse(context, `must be ${FORM}, got ${what}: ${ADVICE}`);
      }
      return refuse(context, `must be ${FORM}, got ${show(given)}`);
    }),
    typeNote({ form: FORM }),
  );
}
