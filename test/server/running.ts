/** A server under test: started on a free port of the loopback, with all that it has reported. */
import { readdirSync, readlinkSync } from 'node:fs';
import { serve } from 'heddle';
import { vi } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { Server } from '../../src/server/server.ts';
import { Peer } from './peer.ts';

/** How long a test waits for what must come, in ms: only what never does takes longer, on any machine. */
export const TIMEOUT_MS = 30_000;

/** What no server reports: where it comes, all that was reported before it has come. */
const MARK = 'mark';

type EventOf<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>;

/** The URL of one of the services beside this file. */
export function service(name: string): URL {
  return new URL(`./services/${name}.mjs`, import.meta.url);
}

/** How many marks were put among the events, and how many of them have come. */
interface Marks {
  made: number;
  told: number;
}

export class Running implements AsyncDisposable {
  readonly server: Server;
  readonly events: ServerEvent[];
  readonly #marks: Marks;

  constructor(server: Server, events: ServerEvent[], marks: Marks) {
    this.server = server;
    this.events = events;
    this.#marks = marks;
  }

  get port(): number {
    return this.server.address.port;
  }

  connect(): Promise<Peer> {
    return Peer.connect(this.port);
  }

  /** Resolves with all events of `type` so far, those on their way included. */
  async all<T extends ServerEvent['type']>(type: T): Promise<EventOf<T>[]> {
    const mark = ++this.#marks.made;
    this.server.report({ type: MARK, mark } as unknown as ServerEvent);
    let hasEnded = false; // Then it has told all that it had to tell.
    const ending = this.server.closed.catch(() => this.server.close());
    void ending.then(() => (hasEnded = true));
    await vi.waitUntil(() => hasEnded || this.#marks.told >= mark, { timeout: TIMEOUT_MS, interval: 2 });
    return this.#arrived(type);
  }

  /** Resolves with the events of `type` once there are `count` of them. */
  seen<T extends ServerEvent['type']>(type: T, count = 1): Promise<EventOf<T>[]> {
    return vi.waitFor(() => this.#atLeast(type, count), { timeout: TIMEOUT_MS, interval: 5 });
  }

  /** Resolves with the event that says how the connection of `peer` ended. */
  closeOf(peer: Peer): Promise<EventOf<'close'>> {
    const port = peer.localPort;
    const find = (): EventOf<'close'> => {
      const event = this.#arrived('close').find((close) => close.port === port);
      if (event === undefined) throw new Error(`no close event of port ${port} yet`);
      return event;
    };
    return vi.waitFor(find, { timeout: TIMEOUT_MS, interval: 5 });
  }

  /** Resolves when so many clients are counted: one that moves is for a moment on neither thread. */
  clients(count: number): Promise<void> {
    const check = (): void => {
      const { clients } = this.server.stats();
      if (clients !== count) throw new Error(`${clients} clients, not ${count}`);
    };
    return vi.waitFor(check, { timeout: TIMEOUT_MS, interval: 1 });
  }

  /** How many threads have clients. */
  threadsInUse(): number {
    return this.server.stats().threads.filter(({ clients }) => clients > 0).length;
  }

  /**
   * Resolves when more than one thread has clients: a burst goes to one alone where a busy machine lets the others wait,
   * and is evened out then.
   */
  async spread(): Promise<void> {
    await vi.waitUntil(() => this.threadsInUse() > 1, { timeout: TIMEOUT_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }

  #arrived<T extends ServerEvent['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  #atLeast<T extends ServerEvent['type']>(type: T, count: number): EventOf<T>[] {
    const events = this.#arrived(type);
    if (events.length < count) throw new Error(`${events.length} of ${count} ${type} events so far`);
    return events;
  }
}

/** The engine that servers under test have, where a test does not say: `HEDDLE_ENGINE=net` runs them all with the other one. */
export const ENGINE = process.env['HEDDLE_ENGINE'] === 'net' ? 'net' : 'epoll';

/** For tests of what the net engine cannot do: clients stay on the thread that they got. */
export const noMoves = ENGINE === 'net';
/** The same: it has TCP only. */
export const noUnix = ENGINE === 'net';
/** The same: no other process takes over. */
export const noTakeOver = ENGINE === 'net';
/** The same: when files run out, Node closes who comes, nobody waits. */
export const noWaitForFiles = ENGINE === 'net';

/** Starts a server on a free port of 127.0.0.1, with two threads unless `options` say otherwise. */
export async function start(module: URL | string | undefined, options: ServeOptions = {}): Promise<Running> {
  const events: ServerEvent[] = [];
  const marks: Marks = { made: 0, told: 0 };
  const given = module === undefined ? {} : { service: module };
  const onEvent = (event: ServerEvent): void => {
    if ((event.type as string) === MARK) marks.told++;
    else events.push(event);
  };
  const server = await serve({ host: '127.0.0.1', port: 0, threads: 2, engine: ENGINE, onEvent, ...given, ...options });
  return new Running(server, events, marks);
}

/** How many sockets, epoll sets and eventfds this process has open. */
export function openDescriptors(): number {
  return descriptors().length;
}

/** How many of them are sockets. */
export function openSockets(): number {
  return descriptors().filter((each) => each.includes('socket:')).length;
}

/** Resolves when there are no more of them than `before`: the process closes its own ends of connections when it comes to it. */
export async function descriptorsBack(before: number): Promise<void> {
  const check = (): void => {
    const open = descriptors();
    if (open.length > before) throw new Error(`${open.length} descriptors, ${before} before: ${open.join(', ')}`);
  };
  await vi.waitFor(check, { timeout: TIMEOUT_MS });
}

function descriptors(): string[] {
  const all = readdirSync('/proc/self/fd').map((fd) => `${fd} ${target(fd)}`);
  return all.filter((fd) => /^\d+ (socket|anon_inode:\[(eventpoll|eventfd)\])/.test(fd));
}

function target(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return 'closed'; // The one that reading the folder took.
  }
}
