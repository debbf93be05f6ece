/** Finds the clients that wait longest, and says for what. */
import { elapsed, sharedTenths, sharedTime } from '../../sharing/clock.ts';
import { FREE, stateOf, threadOf } from '../../sharing/control-word.ts';
import type { BlockedThread } from '../observed.ts';
import type { ListedClient } from './client-list.ts';
import type { Controlled } from './controlled.ts';

/** So many slots are read before main does something else; of a client that does not wait, four words are read. */
const SLOTS_AT_ONCE = 4096;
/** Nobody looks at a shorter wait, in ms. */
const SHORTEST_MS = 100;

/**
 * `own`: the client's own message blocks the thread. `behind`: another client blocks the client's thread. `thread`: the client waits for a
 * free thread. `incomplete`: the client has begun a message. `unread`: the client does not read what waits for it.
 */
export type WaitReason = 'own' | 'behind' | 'thread' | 'incomplete' | 'unread';

interface Wait {
  readonly waitMs: number;
  readonly why: WaitReason;
  /** The function and line that the client waits for, where that is known. */
  readonly code?: string;
}

export interface WaitingClient extends ListedClient, Wait {}

/** The `limit` clients that wait longest, the longest first. Main does other things between two slices of slots. */
export async function longestWaiting(controlled: Controlled, limit: number): Promise<WaitingClient[]> {
  const { clients, memory } = controlled;
  const blocks = new Map(controlled.blocked().map((block) => [block.thread, block]));
  const waits: (Wait & { readonly fd: number })[] = [];
  for (let from = 0; from < memory.table.size; from += SLOTS_AT_ONCE) {
    if (from > 0) await new Promise((resolve) => setImmediate(resolve));
    const end = Math.min(from + SLOTS_AT_ONCE, memory.table.size);
    for (let fd = from; fd < end; fd++) {
      const wait = waitOf(memory, fd, blocks);
      if (wait !== undefined && wait.waitMs >= SHORTEST_MS) waits.push({ fd, ...wait });
    }
    waits.sort((one, other) => other.waitMs - one.waitMs).splice(limit);
  }
  return waits.flatMap(({ fd, ...wait }) => {
    const client = clients.at(fd);
    return client === undefined ? [] : [{ ...client, ...wait }];
  });
}

function waitOf(
  { board, table }: Controlled['memory'],
  fd: number,
  blocks: ReadonlyMap<number, BlockedThread>,
): Wait | undefined {
  const word = table.word(fd);
  if (stateOf(word) === FREE) return undefined;
  const thread = board.row(threadOf(word)).number;
  const block = blocks.get(thread);
  if (block !== undefined) return blockedWait(block, table.id(fd));
  const [now, arrivedFrom] = [performance.now(), table.arrivedFrom(fd)];
  if (thread === 0 && arrivedFrom !== 0) return { waitMs: elapsed(arrivedFrom, sharedTenths(now)) / 10, why: 'thread' };
  const [startedAt, stalledAt] = [table.messageStartedAt(fd), table.writeStalledAt(fd)];
  if (stalledAt !== 0) return { waitMs: elapsed(stalledAt, sharedTime(now)), why: 'unread' };
  return startedAt === 0 ? undefined : { waitMs: elapsed(startedAt, sharedTime(now)), why: 'incomplete' };
}

function blockedWait({ client, code, ms: waitMs }: BlockedThread, id: number): Wait {
  return { waitMs, why: client?.id === id ? 'own' : 'behind', ...(code !== undefined && { code }) };
}
