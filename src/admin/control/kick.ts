/** Closes chosen clients, at a pace, and says of each what became of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientFilter } from './client-filter.ts';
import type { Found } from './client-list.ts';
import type { Controlled } from './controlled.ts';

/** How long a client may take to be closed before it is said that it has not been, in ms. */
const PATIENCE_MS = 3000;
/** How often it is looked whether it is gone, and how often its thread is told again, in ms. */
const LOOK_MS = 20;
const AGAIN_MS = 500;

export interface KickRequest {
  readonly filter: ClientFilter;
  /** How many clients a second; left out: all at once. */
  readonly perSecond?: number;
  /** Nobody is closed. */
  readonly dryRun: boolean;
}

/**
 * `kicked`: closed, with reason `kicked`. `chosen`: it would have been. `blocking`: it blocks its thread, which cannot close it; `handlerTimeout`
 * does. `waiting`: its thread is blocked, or it is behind a TLS handshake; it is closed as soon as that ends.
 */
export type KickResult = 'kicked' | 'chosen' | 'blocking' | 'waiting';

export interface Kicked {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly result: KickResult;
}

/** Gives each chosen client when it is known what became of it. Ends early if the caller does. */
export async function* kick(
  controlled: Controlled,
  { dryRun, filter, perSecond }: KickRequest,
): AsyncGenerator<Kicked> {
  const chosen = await choose(controlled, filter);
  if (dryRun) return yield* chosen.map((found) => told(found, 'chosen'));
  const begun = performance.now();
  const pending = new Map<Found, number>();
  let [next, toldAt] = [0, begun];
  while (next < chosen.length || pending.size > 0) {
    const now = performance.now();
    const due = perSecond === undefined ? chosen.length : Math.floor(((now - begun) * perSecond) / 1000) + 1;
    const batch = chosen.slice(next, due);
    next += batch.length;
    const [blocking, asked] = partition(batch, (found) => isBlocking(controlled, found));
    yield* blocking.map((found) => told(found, 'blocking'));
    for (const found of asked) pending.set(found, now);
    const isAgain = now - toldAt >= AGAIN_MS;
    if (isAgain) toldAt = now;
    controlled.kick(isAgain ? [...pending.keys()] : asked);
    await delay(LOOK_MS);
    yield* settled(controlled, pending);
  }
}

/** Takes out of `pending` who is gone, and who has had enough time. */
function* settled(controlled: Controlled, pending: Map<Found, number>): Generator<Kicked> {
  const now = performance.now();
  for (const [found, since] of pending) {
    const isGone = controlled.clients.at(found.fd)?.id !== found.client.id;
    if (!isGone && now - since < PATIENCE_MS) continue;
    pending.delete(found);
    yield told(found, isGone ? 'kicked' : isBlocking(controlled, found) ? 'blocking' : 'waiting');
  }
}

async function choose({ clients }: Controlled, filter: ClientFilter): Promise<Found[]> {
  const chosen: Found[] = [];
  for await (const slice of clients.all()) chosen.push(...slice.filter(({ client }) => filter(client)));
  return chosen;
}

function isBlocking(controlled: Controlled, { client }: Found): boolean {
  return controlled.blocked().some((thread) => thread.client?.id === client.id);
}

function partition<T>(all: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((item) => !test(item))];
}

function told({ client: { address, id, port } }: Found, result: KickResult): Kicked {
  return { id, address, port, result };
}
