/** Lists what a server may run out of, nearest first. */
import type { Snapshot } from '../control/snapshot.ts';

export interface Limit {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
  /** How much of the limit is used: 0 to 1. */
  readonly share: number;
  /** What is counted is bytes. */
  readonly isBytes: boolean;
}

/** To have all threads is not to be near a limit: what a server runs out of is threads that nobody blocks. */
export function limitsOf({ acceptQueue, arena, clients, files, server, threads }: Snapshot): Limit[] {
  const limits = [
    limit('clients', clients, server.maxClients),
    limit('blocked threads', threads.filter(({ blockedMs }) => blockedMs > 0).length, server.threads.max),
    limit('parts of messages', arena.used, arena.size, true),
    ...(files === undefined ? [] : [limit('open files', files.used, files.limit)]),
    ...acceptQueue.map(({ length, limit: most, listener }) => limit(`accept queue ${listener}`, length, most)),
  ];
  // A listening socket that is closed has a queue for nobody.
  return limits.filter(({ limit: most }) => most > 0).sort((one, other) => other.share - one.share);
}

function limit(name: string, used: number, most: number, isBytes = false): Limit {
  return { name, used, limit: most, share: Math.min(1, used / most), isBytes };
}
