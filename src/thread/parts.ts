/** Says what a service thread is made of. */
import type { AddressRules } from '../connection/address-rules.ts';
import type { ClientTls } from '../connection/client.ts';
import type { ConnectionSettings, ThreadContext } from '../connection/context.ts';
import type { ProxyHeaderContext } from '../connection/proxy-header-reader.ts';
import type { Service } from '../connection/service.ts';
import type { RateLimit } from '../connection/rate/message-rate.ts';
import type { BeginHandshake } from '../connection/asked/start-tls.ts';
import type { SocketCalls } from '../connection/sockets.ts';
import type { NamedFraming } from '../connection/codec/codec.ts';
import type { ServerEvent } from '../log/event.ts';
import type { Arena } from '../sharing/arena.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import type { Timeouts } from '../sharing/deadlines.ts';
import type { MemoryAccount } from '../sharing/memory-account.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Sys } from '../sys/sys.ts';
import type { ThreadMemory } from './thread-memory.ts';

/** What connections reach their sockets through, and memory to do it with. */
export type ThreadSys = SocketCalls & Pick<Sys, 'allocate' | 'trimMemory'>;

/** How connections are reached until their PROXY header is read, if not as they are afterwards: what follows it is left there. */
export interface Beforehand {
  readonly sys: ProxyHeaderContext['sys'] & Pick<SocketCalls, 'storeAndClose' | 'addressText'>;
  readonly table: ConnectionTable;
}

/** What is known of clients whose sockets are streams of Node's. */
export interface ClientStreams {
  tlsOf(fd: number): ClientTls | undefined;
  isCutShort(fd: number): boolean;
  /** The connection of `fd` is over; what was sent may yet have to leave. */
  leaves(fd: number): void;
}

/** The settings of a server that its threads ask for. */
export type ThreadSettings = Timeouts & ConnectionSettings;

export interface ServiceThreadParts {
  readonly sys: ThreadSys;
  readonly memory: ThreadMemory;
  readonly table: ConnectionTable;
  readonly arena: Arena;
  readonly row: ThreadRow;
  /** Where expensive clients wait for their turns. */
  readonly room: ThreadRow;
  readonly poller: ThreadContext['poller'];
  readonly beforehand?: Beforehand | undefined;
  readonly clientStreams?: ClientStreams | undefined;
  /** Begins TLS with a client whose socket is a stream; left out where TLS begins with the connection, or never. */
  readonly beginHandshake?: BeginHandshake | undefined;
  readonly account: MemoryAccount;
  /** Has the acceptor look at the threads; left out where it does so by itself. */
  readonly alert?: (() => void) | undefined;
  readonly service: Service;
  /** The framings of the service; clients begin with the first. */
  readonly framings: readonly [NamedFraming, ...NamedFraming[]];
  readonly settings: ThreadSettings;
  /** How many messages clients may send; left out: as many as they like. */
  readonly rate?: RateLimit | undefined;
  /** Who may come, where PROXY headers say who comes. */
  readonly rules?: AddressRules | undefined;
  /** Makes an expensive client idle in the waiting room; false: the kernel has no room to watch it. Left out where none move. */
  readonly giveBack?: ((fd: number, generation: Generation) => boolean) | undefined;
  /** Takes events; left out if nobody listens. */
  readonly report?: ((event: ServerEvent) => void) | undefined;
  /** Takes errors of the service. */
  readonly complain: (event: ServerEvent) => void;
  /** Called when the thread has been told to drain and has no client any more. */
  readonly drained: () => void;
}

/** What main may tell a thread. */
export interface ThreadCommands {
  /** Answers what has arrived and closes all clients; new ones must not be placed here any more. */
  drain(): void;
  /** The thread wants to leave, or is to stay after all. */
  leave(): void;
  stay(): void;
  /** Seals TLS tickets with `keys`. Left out where there are none. */
  useTicketKeys?(keys: Uint8Array): void;
}
