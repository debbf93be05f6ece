/** Defines what the control socket shows and does beyond metrics: who the clients are, and how to close some, and what threads run. */
import type { ClientList, Found, ListParts } from './client-list.ts';
import type { ClosedClients } from './closed-clients.ts';
import type { BlockedThread, Watched } from '../observed.ts';
import type { RecentEvents } from './recent-events.ts';
import type { ThreadProfile } from '../stacks/profiler.ts';
import type { Verdict } from '../verdict.ts';

/** What does not change while a server runs. */
export interface About {
  readonly version: string;
  readonly pid: number;
  readonly node: string;
  readonly engine: string;
  /** The service's module; left out for the built-in one. */
  readonly service?: string;
  readonly addresses: readonly string[];
  readonly threads: { readonly min: number; readonly max: number };
  readonly maxClients: number;
}

/** A server, to be asked and to be told by its own user. */
export interface Controlled extends Watched {
  readonly about: About;
  readonly clients: ClientList;
  readonly closed: ClosedClients;
  readonly events: RecentEvents;
  /** Where clients and threads are, to be read only. */
  readonly memory: Pick<ListParts, 'board' | 'table'>;
  /** Has these clients closed as soon as their threads get to it. */
  kick(clients: readonly Pick<Found, 'fd' | 'client'>[]): void;
  /** Who waits, and which threads are blocked, now: as a whole snapshot says it, for less. */
  verdict(): Verdict;
  /** The threads that are blocked now. */
  blocked(): readonly BlockedThread[];
  threadTimes(id: number): ThreadTimes;
  /** Takes CPU profiles. Errors: `Refused`. */
  profile(request: ProfileRequest): Promise<readonly ThreadProfile[]>;
}

export interface ThreadTimes {
  /** CPU time, in ms; left out where no clock can be read. */
  readonly cpuMs?: number;
  /** How long the thread was ready and had no CPU, in ms; left out where the kernel does not say. */
  readonly runDelayMs?: number;
}

/** What is asked of `profile`. */
export interface ProfileRequest {
  /** The number of a thread, or all that serve. */
  readonly threads: number | 'all';
  readonly ms: number;
  /** Aborted when nobody waits for the profile any more. */
  readonly signal: AbortSignal;
}
