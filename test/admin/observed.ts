/** What a server of `threads` threads shows, with nothing counted yet. */
import type { Observed } from '../../src/admin/observed.ts';
import { noDeploys } from '../../src/admin/deploy-counts.ts';
import { countedStats } from '../../src/admin/totals.ts';
import type { BoardStats } from '../../src/admin/server-stats.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { zeroCounters } from '../../src/sharing/thread-board.ts';

export function stats(threads: number, more: Partial<BoardStats> = {}): BoardStats {
  const { accepted, blocks, handedOver, moves, pauses, rejected, relief, stalls, starved, takenOver } =
    new AcceptorCounters();
  return {
    ...zeroCounters(),
    accepted,
    blocks,
    handedOver,
    moves,
    acceptPauses: pauses,
    rejected,
    relief,
    stalls,
    starved,
    takenOver,
    clients: 0,
    longestResponse: 0,
    behindBlocked: { session: 0, tls: 0, handler: 0, 'no-thread': 0 },
    handlersRunning: 0,
    threads: Array.from({ length: threads }, (_, index) => ({
      id: index + 1,
      isRunning: true,
      clients: 0,
      messages: 0,
      heapBytes: 0,
      blockedMs: 0,
    })),
    ...more,
  };
}

export function observed(threads: number, more: Partial<Observed> = {}): Observed {
  const given = more.stats ?? stats(threads);
  return {
    stats: given,
    notReading: { clientsNotReading: 0, unsentBytes: 0 },
    totals: {
      stats: countedStats(given),
      counts: { threadStarts: 0, threadExits: 0, eventsLost: 0 },
      deploys: noDeploys(),
    },
    inherited: { generation: 1, totals: undefined, deploys: [], last: undefined, predecessor: undefined },
    state: 'ready',
    engine: 'epoll',
    threads: { min: 2, max: threads },
    maxClients: 1000,
    arena: { used: 0, size: 2 ** 26 },
    counts: { threadStarts: 0, threadExits: 0, eventsLost: 0, lastReloadFailed: false },
    lastHour: { threadExits: 0, eventsLost: 0, starved: 0, demoted: 0 },
    handlers: { answered: 0, usualShare: 0 },
    now: 0,
    uptimeMs: 60_000,
    blocked: [],
    behindBlockedFor: () => ({ session: 0, tls: 0, handler: 0, 'no-thread': 0 }),
    codes: [],
    acceptQueue: [],
    certificates: [],
    cpuTimeOf: (id) => id * 1000,
    runDelayOf: (id) => id * 10,
    ...more,
  };
}
