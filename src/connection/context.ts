/** Defines what a connection needs of its thread. One per thread; everything here belongs to that thread alone. */
import type { Frame, Framing } from '../framing/frame.ts';
import type { Poller } from '../reactor/poller.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { ReadMessage } from './read-message.ts';
import type { Reader } from './input.ts';
import type { ReplyBuffer } from './reply-buffer.ts';
import type { Service } from './service.ts';
import type { Client, ClientTls } from './client.ts';
import type { MemoryBlocks } from './saved-bytes.ts';
import type { SocketCalls } from './sockets.ts';

/** A connection as its thread calls it back. */
export interface CalledBack extends Client<unknown, unknown> {
  readonly fd: number;
  goOn(): void;
  flushNow(): void;
  checkLinger(): void;
}

export interface ThreadContext {
  readonly sys: SocketCalls;
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly poller: Pick<Poller, 'modify'>;
  readonly service: Service;
  readonly framing: Framing;
  /** Where the decoder leaves what it found; valid until the next decode. */
  readonly frame: Frame;
  /** Makes what the service gets from what the decoder found. */
  readonly readMessage: ReadMessage;
  /** The bytes of which messages are views, not copies: those of `input`, if the service borrows. */
  readonly lends: Buffer | undefined;
  /** Replies are the service's for Heddle to keep: it does not change them. */
  readonly borrowsReplies: boolean;
  /** Where bytes are kept from one turn to the next. */
  readonly blocks: MemoryBlocks;
  /** Where reads go. Valid until the next read on this thread. */
  readonly input: NativeBuffer;
  /** What reads for the connections. */
  readonly reader: Reader;
  /** Where the replies of one connection are put together. Empty whenever a connection is not in the middle of it. */
  readonly replies: ReplyBuffer;
  /** How many bytes may wait to be sent to one client. */
  readonly maxUnsent: number;
  /** How long a client may take nothing of what was sent to it, in ms. */
  readonly sendTimeout: number;
  /** When the last event was done with, in `performance.now()` ms: where the time of the next one begins. */
  time: number;
  /** How many handlers and sessions await something that is not their client. */
  awaiting: number;

  /** Whether `bytes` are too much to be kept for one client now. */
  isSurplus(bytes: number): boolean;
  /** Takes note that `more` bytes more are kept for a client than before, of which `here` are not in the arena. */
  countKept(more: number, here: number): void;
  /** Makes the client of `fd` idle: this thread keeps nothing of its own. False: the kernel cannot watch it, it must be closed. */
  makeIdle(fd: number, generation: Generation): boolean;
  /** Has `connection.goOn` called when others have had their turn. */
  goOnSoon(connection: CalledBack): void;
  /** Whether what the client of `fd` sends has ended under TLS without its own word for it: somebody else may have cut it. */
  isCutShort(fd: number): boolean;
  /** What TLS has found out about the client of `fd`; `undefined` without TLS. */
  tlsOf(fd: number): ClientTls | undefined;
  /** Flushes this connection once the running callbacks are done, so that what they send goes out in one write. */
  flushSoon(connection: CalledBack): void;
  /** Has `checkLinger` called a moment from now. */
  lingers(connection: CalledBack): void;
  /** Reports an error that the service threw. */
  serviceFailed(connection: CalledBack, error: unknown): void;
  /** Forgets this connection, reports it and runs the service's `close`; its slot is still its own. */
  closed(connection: CalledBack, reason: CloseReason, detail: string | undefined): void;
}
