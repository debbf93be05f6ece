/** Counts the clients that do not read, and what waits for them, from shared memory: no thread is asked. */
import { ageOf, sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { FREE, stateOf } from '../sharing/control-word.ts';
import type { NotReadingStats } from './server-stats.ts';

/** A client that has taken nothing for this long does not read, in ms. */
const NOT_READING_MS = 1000;

/** Reads one word of each slot, and more of those that stall: with 10,000 clients a third of a millisecond. */
export function notReading(table: ConnectionTable): NotReadingStats {
  const now = sharedTime(performance.now());
  const { size } = table;
  let [clientsNotReading, unsentBytes] = [0, 0];
  for (let fd = 0; fd < size; fd++) {
    const stalledAt = table.writeStalledAt(fd);
    // Who gives way to others has such a time as well, and nothing that waits.
    if (stalledAt === 0 || stateOf(table.peek(fd)) === FREE || table.unsent(fd) === 0) continue;
    unsentBytes += table.unsent(fd);
    if (ageOf(stalledAt, now) >= NOT_READING_MS) clientsNotReading++;
  }
  return { clientsNotReading, unsentBytes };
}
