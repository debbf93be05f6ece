/** Says which clients are on which threads: what a picture of them needs, and no more. */
import { FREE, stateOf, threadOf } from '../../sharing/control-word.ts';
import type { Controlled } from './controlled.ts';

/** So many times as many clients as are wanted are looked at, since chance does not give exactly as many. */
const MARGIN = 2;

/** A client, and the thread that it is on; 0: it waits for one. */
export type Place = readonly [id: number, thread: number];

/**
 * The places of `limit` clients at most, by their number. Of more clients, the same ones are shown each time for as long as they stay;
 * clients that block a thread are always among them.
 */
export function placesOf(controlled: Pick<Controlled, 'blocked' | 'memory'>, limit: number): Place[] {
  const { board, table } = controlled.memory;
  const blocking = new Set(controlled.blocked().map(({ client }) => client?.id));
  const rankOf = (id: number): number => (blocking.has(id) ? -1 : scatter(id));
  const clients = board.all.reduce((sum, row) => sum + row.clients, 0);
  // Of many clients, most are passed over here: to sort all of them would take main several ms.
  const mostRank = clients <= limit ? Infinity : (2 ** 32 * MARGIN * limit) / clients;
  const chosen: Place[] = [];
  for (let fd = 0; fd < table.size; fd++) {
    const word = table.word(fd);
    if (stateOf(word) === FREE) continue;
    const id = table.id(fd);
    if (rankOf(id) < mostRank) chosen.push([id, board.row(threadOf(word)).number]);
  }
  if (chosen.length > limit) chosen.sort(([one], [other]) => rankOf(one) - rankOf(other)).splice(limit);
  return chosen.sort(([one], [other]) => one - other);
}

/** A number that has nothing to do with how near two ids are (the finalizer of MurmurHash3). */
function scatter(id: number): number {
  let hash = id | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
