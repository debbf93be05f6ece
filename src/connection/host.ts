/** What a connection needs of the thread that it is on. One per thread; everything here belongs to that thread alone. */
import type { Frame, Framing } from '../framing/frame.ts';
import type { Poller } from '../reactor/poller.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable, Ticket } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';
import type { Connection } from './connection.ts';
import type { ReadMessage } from './read-message.ts';
import type { Reader } from './reader.ts';
import type { ReplyBuffer } from './reply-buffer.ts';
import type { Service } from './service.ts';
import type { ClientTls } from './client.ts';
import type { Stores } from './store.ts';

/** What a connection asks of its socket; under TLS, of what stands in for it. */
export type SocketCalls = Pick<
  Sys,
  'recv' | 'send' | 'shutdown' | 'discardOnClose' | 'close' | 'unread' | 'unsent' | 'wrap' | 'addressText'
>;

export interface Host {
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
  readonly stores: Stores;
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
  rest(fd: number, ticket: Ticket): boolean;
  /** Has `connection.goOn` called when others have had their turn. */
  goOnSoon(connection: Connection): void;
  /** Whether what the client of `fd` sends has ended under TLS without its own word for it: somebody else may have cut it. */
  isCutShort(fd: number): boolean;
  /** What TLS has found out about the client of `fd`; `undefined` without TLS. */
  tlsOf(fd: number): ClientTls | undefined;
  /** Flushes this connection once the running callbacks are done, so that what they send goes out in one write. */
  flushSoon(connection: Connection): void;
  /** Has `checkLinger` called a moment from now. */
  lingers(connection: Connection): void;
  /** Reports an error that the service threw. */
  serviceFailed(connection: Connection, error: unknown): void;
  /** Forgets this connection, reports it and runs the service's `close`; its slot is still its own. */
  closed(connection: Connection, reason: CloseReason, detail: string | undefined): void;
}
