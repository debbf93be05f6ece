/** Says that a thread was started without what its service needs: main knows it only once a thread has loaded the service. */
import { isDeepStrictEqual } from 'node:util';
import { HeddleError } from '../errors.ts';

export class UnknownNeeds extends HeddleError {
  readonly needs: object;

  /** `path`: of the service. The text is for a service that has changed since the server was started. */
  constructor(path: string, needs: object) {
    super(
      'HEDDLE_SERVICE_LOAD',
      `Cannot use the service ${path}: what it needs has changed (needs): start the server again`,
    );
    this.needs = needs;
  }
}

/** Throws HEDDLE_SERVICE_LOAD if the service at `path` has other `needs` than those that are `known`. */
export function requireKnown(needs: object, known: object, path: string): void {
  if (isDeepStrictEqual(needs, known)) return;
  let copy: object;
  try {
    copy = structuredClone(needs);
  } catch (cause) {
    const why = 'its needs must be plain data, without functions';
    throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot use the service ${path}: ${why}`, { cause });
  }
  throw new UnknownNeeds(path, copy);
}
