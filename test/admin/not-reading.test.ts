import { describe, expect, it } from 'vitest';
import { notReading } from '../../src/admin/not-reading.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import type { Sys } from '../../src/sys/sys.ts';

const ADDRESS = new Uint8Array(16);

const FREES: Pick<Sys, 'storeAndClose'> = {
  storeAndClose(words, index, value) {
    words[index] = value;
    return 0;
  },
};

/** A table with clients that have read nothing for so many ms of so many bytes. */
function clients(...about: readonly (readonly [stalledMs: number, unsent: number])[]): ConnectionTable {
  const table = ConnectionTable.create(16);
  about.forEach(([stalledMs, unsent], fd) => {
    table.settle(fd, table.admit(fd, 0, fd + 1, ADDRESS, 4000, 0));
    table.setWriteStalledAt(fd, sharedTime(performance.now() - stalledMs));
    table.setUnsent(fd, unsent);
  });
  return table;
}

describe('the clients that do not read', () => {
  it('are those for which bytes have waited for a second', () => {
    expect(notReading(clients([1000, 7], [60_000, 100], [500, 30]))).toEqual({
      clientsNotReading: 2,
      unsentBytes: 137,
    });
  });

  it('are not those that wait for others on their thread, and not those that have left', () => {
    const table = clients([5000, 0], [5000, 9]);
    const generation = table.word(1);
    expect(table.take(1, generation)).toBe(true);
    table.free(1, generation, FREES);
    expect(notReading(table)).toEqual({ clientsNotReading: 0, unsentBytes: 0 });
  });

  it('are not who comes next to the slot of one', () => {
    const table = clients([5000, 9]);
    const generation = table.word(0);
    expect(table.take(0, generation)).toBe(true);
    table.free(0, generation, FREES);
    table.admit(0, 0, 2, ADDRESS, 4000, 0);
    expect(table.unsent(0)).toBe(0);
  });
});
