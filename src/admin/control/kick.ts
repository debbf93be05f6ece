/** Closes chosen clients, at a pace, and says of each what became of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientFilter } from './client-filter.ts';
import type { Found } from './client-list.ts';
import type { Controlled } from './controlled.ts';

/** How long a client may take to be closed before it is said that it has not been, in ms. */
const PATIENCE_MS = 3000;
/** The same of a client that blocks its thread, in ms: most blocks are shorter. */
const BLOCKING_PATIENCE_MS = 500;
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
 * `kicked`: closed, with reason `kicked`. `chosen`: it would have been. `blocking`: it blocks its thread, which cannot close it, and is left alone; `handlerTimeout`
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
    for (const found of batch) pending.set(found, now);
    const isAgain = now - toldAt >= AGAIN_MS;
    if (isAgain) toldAt = now;
    const blocking = blockingIn(controlled);
    controlled.kick((isAgain ? [...pending.keys()] : batch).filter(({ client }) => !blocking.has(client.id)));
    await delay(LOOK_MS);
    yield* settled(controlled, pending);
  }
}

/** Takes out of `pending` who is gone, and who has had enough time. */
function* settled(controlled: Controlled, pending: Map<Found, number>): Generator<Kicked> {
  const now = performance.now();
  const blocking = blockingIn(controlled);
  for (const [found, since] of pending) {
    const isGone = controlled.clients.at(found.fd)?.id !== found.client.id;
    const isBlocking = blocking.has(found.client.id);
    if (!isGone && now - since < (isBlocking ? BLOCKING_PATIENCE_MS : PATIENCE_MS)) continue;
    pending.delete(found);
    yield told(found, isGone ? 'kicked' : isBlocking ? 'blocking' : 'waiting');
  }
}

async function choose({ clients }: Controlled, filter: ClientFilter): Promise<Found[]> {
  const chosen: Found[] = [];
  for await (const slice of clients.all()) chosen.push(...slice.filter(({ client }) => filter(client)));
  return chosen;
}

/** Who blocks a thread now, by number. A thread that is late for a moment counts, too: they are asked again. */
function blockingIn(controlled: Controlled): ReadonlySet<number | undefined> {
  return new Set(controlled.blocked().map(({ client }) => client?.id));
}

function told({ client: { address, id, port } }: Found, result: KickResult): Kicked {
  return { id, address, port, result };
}
