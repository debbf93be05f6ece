/** Used to know when accepting must pause: the system is out of something that each client takes. */
import type { PauseCause } from '../sharing/acceptor-counters.ts';
import { EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../sys/errno.ts';

const OUT_OF = new Map<number, PauseCause>([
  [EMFILE, 'no-files'],
  [ENFILE, 'no-files'],
  [ENOBUFS, 'no-memory'],
  [ENOMEM, 'no-memory'],
]);

/** What the system has no more of; `errno` is the name of its error, such as `EMFILE`. */
export interface Shortage {
  readonly cause: PauseCause;
  readonly errno: string;
}

/** What the system is out of if accepting a client has ended with `result`; `undefined`: nothing that is known. */
export function shortageOf(result: number): Shortage | undefined {
  const cause = OUT_OF.get(result);
  return cause && { cause, errno: errnoName(result) };
}
