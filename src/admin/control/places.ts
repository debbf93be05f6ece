/** Says which clients are on which threads: what a picture of them needs, and no more. */
import { FREE, stateOf, threadOf } from '../../sharing/control-word.ts';
import type { BlockedThread } from '../observed.ts';
import type { Controlled } from './controlled.ts';

/** So many times as many clients as are wanted are looked at, since chance does not give exactly as many. */
const MARGIN = 2;

/** A client, and the thread that it is on; 0: it waits for one. */
export type Place = readonly [id: number, thread: number];

/** How places have changed. */
export interface PlaceChanges {
  /** The clients that have come, or changed threads. */
  readonly moved: readonly Place[];
  /** The clients that are not there any more. */
  readonly left: readonly number[];
}

/** A client that is shown. */
interface Shown {
  readonly id: number;
  readonly fd: number;
  readonly thread: number;
}

/**
 * The places of `limit` clients at most, by their number. Of more clients, the same ones are shown each time for as long as they stay;
 * clients that block a thread are always among them.
 */
export function placesOf(controlled: Pick<Controlled, 'blocked' | 'memory'>, limit: number): Place[] {
  return chosenOf(controlled.memory, controlled.blocked(), limit).map(({ id, thread }): Place => [id, thread]);
}

/** The places of the same clients, looked at again and again. */
export class PlaceWatch {
  readonly #memory: Controlled['memory'];
  readonly #limit: number;
  /** What was told last. */
  #shown = new Map<number, Shown>();
  #clients = 0;

  constructor(memory: Controlled['memory'], limit: number) {
    this.#memory = memory;
    this.#limit = limit;
  }

  /** Looks for clients that have come: reads all slots. */
  all(blocked: readonly BlockedThread[]): PlaceChanges {
    const { board } = this.#memory;
    this.#clients = board.clients;
    const here = new Map(chosenOf(this.#memory, blocked, this.#limit).map((client) => [client.id, client]));
    const moved = [...here.values()].filter(({ id, thread }) => this.#shown.get(id)?.thread !== thread);
    const left = [...this.#shown.keys()].filter((id) => !here.has(id));
    this.#shown = here;
    return { moved: moved.map(({ id, thread }): Place => [id, thread]), left };
  }

  /** Looks at the clients that were there before; at all if some have come, or a client that is not shown blocks a thread. */
  known(blocked: readonly BlockedThread[]): PlaceChanges {
    const { clients } = this.#memory.board;
    const isShown = ({ client }: BlockedThread): boolean => client === undefined || this.#shown.has(client.id);
    if (clients > this.#clients || !blocked.every(isShown)) return this.all(blocked);
    this.#clients = clients;
    const [moved, left]: [Place[], number[]] = [[], []];
    for (const client of this.#shown.values()) {
      const { fd, id, thread } = client;
      const now = placeAt(this.#memory, fd, id);
      if (now === thread) continue;
      if (now === undefined) left.push(id);
      else moved.push([id, now]);
    }
    for (const id of left) this.#shown.delete(id);
    for (const [id, thread] of moved) this.#shown.set(id, { ...(this.#shown.get(id) as Shown), thread });
    return { moved, left };
  }
}

/** The thread of client `id` in slot `fd`; `undefined`: it has left. */
function placeAt({ board, table }: Controlled['memory'], fd: number, id: number): number | undefined {
  const word = table.word(fd);
  return stateOf(word) === FREE || !table.hasId(fd, id) ? undefined : board.row(threadOf(word)).number;
}

function chosenOf({ board, table }: Controlled['memory'], blocked: readonly BlockedThread[], limit: number): Shown[] {
  if (limit === 0) return [];
  const blocking = new Set(blocked.map(({ client }) => client?.id));
  const rankOf = (id: number): number => (blocking.has(id) ? -1 : scatter(id));
  const { clients } = board;
  // Of many clients, most are passed over here: to sort all of them would take main several ms.
  const mostRank = clients <= limit ? Infinity : (2 ** 32 * MARGIN * limit) / clients;
  const chosen: Shown[] = [];
  for (let fd = 0; fd < table.size; fd++) {
    const word = table.word(fd);
    if (stateOf(word) === FREE) continue;
    const id = table.id(fd);
    if (rankOf(id) < mostRank) chosen.push({ id, fd, thread: board.row(threadOf(word)).number });
  }
  if (chosen.length > limit) chosen.sort((one, other) => rankOf(one.id) - rankOf(other.id)).splice(limit);
  return chosen.sort((one, other) => one.id - other.id);
}

/** A number that has nothing to do with how near two ids are (the finalizer of MurmurHash3). */
function scatter(id: number): number {
  let hash = id | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
