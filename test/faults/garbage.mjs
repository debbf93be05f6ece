// Used to free what is garbage before memory is measured.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The channel that tells all threads to. */
export const TIDY = 'tidy';

/** On the thread that calls it. */
export function collectGarbage() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
