/** Puts together what the acceptors of all engines have in common. */
import type { Sys } from '../sys/sys.ts';
import { Closer } from '../connection/end/close.ts';
import type { ServerEvent } from '../log/event.ts';
import { encodeEvent } from '../log/event-record.ts';
import { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { Arena } from '../sharing/arena.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { Deadlines } from '../sharing/deadlines.ts';
import { EventRing } from '../sharing/event-ring.ts';
import { MemoryAccount } from '../sharing/memory-account.ts';
import { ThreadBoard } from '../sharing/thread-board.ts';
import type { AcceptorParts } from './acceptor.ts';
import { Admission } from './admission.ts';
import { ArenaCleaner } from '../supervisor/arena-cleaner.ts';
import { BusyMeter } from '../supervisor/busy-meter.ts';
import { MemoryGuard } from '../supervisor/memory-guard.ts';
import type { AcceptorStart, FromAcceptor } from './messages.ts';
import { placementFor } from '../supervisor/placement.ts';
import { ThreadRegistry } from '../supervisor/thread-registry.ts';
import { DeadlineScan } from '../supervisor/deadline-scan.ts';
import type { ThreadCalls } from '../supervisor/thread-watch.ts';

/** What decisions are made of. */
export type Calls = ThreadCalls &
  Pick<Sys, 'close' | 'storeAndClose' | 'addressText' | 'releasePages' | 'wrap'> &
  Partial<Pick<Sys, 'shutdown'>>;

/** Opens the shared memory that `start` names; `calls` reach the clients and threads in it. `moves`: clients can change their thread. */
export function acceptorParts(
  start: AcceptorStart,
  calls: Calls,
  post: (message: FromAcceptor) => void,
  moves: boolean,
): Omit<AcceptorParts, 'migrator'> {
  const { memory, settings } = start;
  const table = new ConnectionTable(memory.table);
  const board = new ThreadBoard(memory.board);
  const counters = new AcceptorCounters(start.counters);
  const events = start.reports ? new EventRing(memory.events) : undefined;
  const report = events && ((event: ServerEvent) => void events.write(encodeEvent(event)));
  const { clientsPerThread, moveAfter } = settings;
  // A thread for each client, or none that others ever leave: nobody waits for others, or for nobody else.
  const hasRoom = moves && clientsPerThread === Infinity && moveAfter !== Infinity && settings.threads.max > 1;
  const registry = new ThreadRegistry(calls, { ...settings.threads, clientsPerThread, moveAfter, hasRoom });
  const busy = new BusyMeter(calls).ratio;
  const arena = new Arena(memory.arena, () => report?.({ type: 'lock-stuck', time: Date.now(), what: 'messages' }));
  const deadlineScan = new DeadlineScan(table, registry, new Deadlines(table, settings));
  return {
    table,
    board,
    counters,
    registry,
    busy,
    report,
    post,
    admission: new Admission({ sys: calls, board, table, counters, report, addresses: memory.addresses }, settings),
    placement: placementFor(settings.placement, busy),
    balances: settings.placement !== 'source-hash' && clientsPerThread === Infinity,
    closer: new Closer(calls, table, arena, report, board.waitingRoom),
    deadlineScan,
    memory: new MemoryGuard(table, new MemoryAccount(board, arena, settings.maxMemory), deadlineScan),
    cleaner: new ArenaCleaner(arena, calls),
    proxies: settings.proxyProtocol,
    handlerTimeout: settings.handlerTimeout,
  };
}
