/** Notes in a client's slot when what happened to it, for those who watch its deadlines. The caller has the slot. */
import { sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';

/** What is needed of the thread. `time`: when the last event was done with, in `performance.now()` ms. */
interface Clock {
  readonly table: ConnectionTable;
  readonly time: number;
}

/** Bytes came or went. */
export function stampSeen({ table, time }: Clock, fd: number): void {
  table.setSeen(fd, sharedTime(time));
}

/** The client is not idle, whatever its bytes do, until `stampSeen` is called again. */
export function stampNotIdle({ table }: Clock, fd: number): void {
  table.setSeen(fd, 0);
}

/** A message is begun and not complete, and the service waits for it; `isNew`: the one before it has just ended. */
export function stampBegun({ table, time }: Clock, fd: number, isNew: boolean): void {
  if (isNew || table.begun(fd) === 0) table.setBegun(fd, sharedTime(time));
}

/** No message is begun, or its client need not hurry: the service is not ready for it. */
export function stampComplete({ table }: Clock, fd: number): void {
  if (table.begun(fd) !== 0) table.setBegun(fd, 0);
}

/** What waits for the client is not read, from now on. */
export function stampStuck({ table, time }: Clock, fd: number): void {
  table.setStuck(fd, sharedTime(time));
}

/** Nothing waits for the client. */
export function stampFlowing({ table }: Clock, fd: number): void {
  table.setStuck(fd, 0);
}
