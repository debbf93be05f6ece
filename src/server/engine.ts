/** Defines what a server asks of its engine: sockets, and threads that have clients. One for each server. */
import type { AcceptorStart, FromAcceptor } from '../acceptor/messages.ts';
import type { AcceptQueue } from '../admin/observed.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import type { EpollThreadStart, ThreadStart } from '../thread/messages.ts';
import type { AcceptorHandle } from './acceptor-handle.ts';
import type { ServerAddress } from '../listen/listening-socket.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { ThreadProgram } from './threads/worker.ts';

/** How a server reaches its sockets: through the kernel, with epoll, or through Node's own `net`. */
export type EngineName = 'epoll' | 'net';

/** What an engine adds to what its threads are started with. */
export type ThreadExtras = Partial<Omit<EpollThreadStart, keyof ThreadStart>>;

export interface Engine {
  readonly name: EngineName;
  /** What its service threads run. */
  readonly threadProgram: ThreadProgram;
  /** The most files that this process may have open; `Infinity` if there is no limit. */
  fileLimit(): number;
  /** How many files each client takes. */
  filesPerClient(settings: ServeSettings): number;
  /**
   * Opens the sockets that `settings` ask for, at least one; those of TCP come first. If one cannot be opened, none stays;
   * the error names options as `nameOf` does.
   *
   * Errors: `HEDDLE_LISTEN`, `HEDDLE_INVALID_OPTION`, `HEDDLE_UNSUPPORTED` for what this engine cannot do.
   */
  listen(settings: ServeSettings, nameOf: NameOf): Promise<readonly ServerAddress[]>;
  /** Starts the acceptor at the sockets; `hear` takes what it says. */
  startAcceptor(start: AcceptorStart, onMessage: (message: FromAcceptor) => void): AcceptorHandle;
  /** The CPU time of thread `tid`, in ms; `undefined` where no clock can be read. */
  cpuTimeOf(tid: number): number | undefined;
  /** Whether the system starts one more thread for this process now; true where nobody can tell. */
  canStartThread(): boolean;
  /**
   * The user who has connected to a Unix socket of Node's, by its fd; -1 if the kernel does not say, `undefined` if this engine cannot ask.
   */
  peerUid(fd: number): number | undefined;
  /** How many clients wait at each listening socket to be accepted; nothing where that cannot be known. */
  acceptQueues(): readonly AcceptQueue[];
  /** Said once the acceptor was started. */
  threadExtras(): ThreadExtras;
  /**
   * Resolves once it is this server that accepts clients; its threads serve. Until then nobody else hears of it.
   *
   * Errors: `HEDDLE_LISTEN`.
   */
  takeOver(acceptor: AcceptorHandle): Promise<void>;
  /**
   * Closes what the threads, which are all gone now, have left open, and the sockets. `isSucceeded`: another process has
   * these as well, and goes on with them. `detail`: why clients are left, if that is not in order. `lost`: threads that are not gone,
   * and keep what they have.
   */
  end(memory: SharedMemory, isSucceeded: boolean, detail: string | undefined, lost: readonly number[]): void;
  /** Closes what `thread`, one of those that were lost, had open: it is gone now. */
  endLost(memory: SharedMemory, thread: number): void;
  /** Closes what is open for a server that could not be made: it has no thread. */
  discard(): void;
  /**
   * Does so at once, as the worker that has called `serve` ends: its threads were told to end, and may not have yet. Nothing can
   * be awaited.
   */
  abandon(memory: SharedMemory): void;
}
