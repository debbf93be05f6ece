/** Says what a refusal must be: an error of Heddle's with one sentence, whatever was refused. */
import assert from 'node:assert/strict';
import { HeddleError } from '../../../src/errors.ts';

/** More than any sentence needs, with what was given in it. */
const LONGEST = 2000;

/** Gives what `read` gives, or `undefined` if it refuses its input as it may. */
export async function refusedWell<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    checkRefusal(error);
    return undefined;
  }
}

function checkRefusal(error: unknown): void {
  if (!(error instanceof HeddleError)) throw new Error('it was not refused by a HeddleError', { cause: error });
  const { code, message } = error;
  assert.equal(code, 'HEDDLE_INVALID_OPTION', message);
  assert(message.length > 10 && message.length < LONGEST, `a message of ${message.length} characters: ${message}`);
  assert(/\S \S/.test(message), `no sentence: ${message}`);
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  assert(!/[\0-\x1f\x7f-\x9f]/.test(message), `control characters: ${JSON.stringify(message)}`);
  assert(
    !/\bat \S.* \(\S+:\d+:\d+\)|\[object |\bundefined is not|\bis not a function|Cannot read/.test(message),
    `not for people: ${message}`,
  );
}
