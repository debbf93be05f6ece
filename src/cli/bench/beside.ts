/** Reads who else talks to the server while it is measured. */

import { HeddleError } from '../../errors.ts';

export interface Beside {
  readonly clients: number;
  readonly text: string;
}

/** Reads `4:burn 200`: so many clients that send this text, each its next when it has a reply. Throws HEDDLE_INVALID_OPTION. */
export function parseBeside(given: string): Beside {
  const [, count = '', text] = /^(\d{1,6}):([^]+)$/.exec(given) ?? [];
  if (text !== undefined && Number(count) > 0) return { clients: Number(count), text };
  const expected = "must be a number of clients and what they send, such as 4:'burn 200'";
  throw new HeddleError('HEDDLE_INVALID_OPTION', `--beside ${expected}, got ${JSON.stringify(given)}`);
}
