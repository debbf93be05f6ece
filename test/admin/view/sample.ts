/** Samples of an invented server. */
import type { Snapshot, SnapshotThread } from '../../../src/admin/control/snapshot.ts';
import type { WaitingClient } from '../../../src/admin/control/waiting.ts';
import type { BlockedThread } from '../../../src/admin/observed.ts';
import type { Sample } from '../../../src/admin/view/sample.ts';

export const BLOCK: BlockedThread = {
  thread: 2,
  ms: 6200,
  client: { id: 88213, address: '10.0.4.17', port: 51544 },
  code: 'slowReport report.ts:41',
  moved: 203,
  reliefMs: 7,
};

export function thread(id: number, more: Partial<SnapshotThread> = {}): SnapshotThread {
  return { id, clients: 10 * id, messages: 0, blockedMs: 0, cpuMs: 0, runDelayMs: 0, ...more };
}

export const BLOCKED_THREAD = thread(2, { clients: 1, blockedMs: BLOCK.ms, block: BLOCK });

export function waiting(more: Partial<WaitingClient> = {}): WaitingClient {
  const { id, address, port } = { id: 88213, address: '10.0.4.17', port: 51544 };
  const client = { id, address, port, thread: 2, state: 'busy', kept: 0, moves: 3, cost: 'computing' };
  return { ...client, waitMs: 6200, why: 'own', code: 'slowReport report.ts:41', ...more };
}

export function sample(more: Partial<Snapshot> = {}, clients: readonly WaitingClient[] = []): Sample {
  const snapshot: Snapshot = {
    schema: 1,
    server: {
      version: '0.2.0',
      pid: 4711,
      node: '24.21.0',
      engine: 'epoll',
      service: 'file:///srv/chat.ts',
      addresses: ['0.0.0.0:4000'],
      threads: { min: 2, max: 4 },
      maxClients: 1000,
      state: 'ready',
      uptimeMs: 3 * 86_400_000,
    },
    time: 1_000_000,
    verdict: { text: 'No client waits for another.', waiting: 0, blocked: [] },
    threads: [thread(1), thread(2)],
    clients: 30,
    messages: 0,
    receivedBytes: 0,
    sentBytes: 0,
    longestResponseMs: 7.4,
    bounds: [0.001, 0.002, 0.004],
    response: [0, 0, 0],
    closes: { 'client-finished': 0 },
    moves: { blocked: 0 },
    accepted: 30,
    rejected: {},
    starved: 0,
    codes: [],
    arena: { used: 0, size: 1000 },
    counts: { threadStarts: 0, threadExits: 0, eventsLost: 0, lastReloadFailed: false },
    generation: 1,
    deploys: [],
    acceptQueue: [],
    ...more,
  };
  return { snapshot, waiting: clients };
}
