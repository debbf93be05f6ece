/** Says what a connection and the way in which a service takes its messages ask of each other. */
import type { LookTimes } from '../reactor/look-times.ts';
import type { HeddleError } from '../errors.ts';
import type { Frame, FrameStatus } from '../framing/frame.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { ReceiveOptions, WaitLimits } from './asked/receive-within.ts';
import type { Client } from './client.ts';
import type { Codec, Codecs } from './codec/codec.ts';
import type { Lease } from './lease.ts';
import type { Keeping } from './kept.ts';
import type { Reader } from './bytes/reader.ts';
import type { MessageRate, RatedConnection } from './rate/message-rate.ts';
import type { Service } from './service.ts';
import type { Turn } from './turn/turn.ts';

/** How the service of a thread takes the messages of one client: one call for each, or a session. */
export interface Strategy {
  /** How the next message is read. */
  readonly codec: Codec;
  /** Greets a client that is new to the server. */
  opened(): void;
  /** Hands the service all whole messages of `bytes[from, to)` that it wants now; returns where the rest begins. */
  deliver(bytes: Buffer, from: number, to: number): number;
  /** Hands the service the message that `framing.finish` found in `bytes`; false: it comes too soon for the client's rate. */
  deliverLast(bytes: Buffer): boolean;
  /** Says that no message will follow, after the last one was delivered. */
  inputEnded(): void;
  /** Ends a connection that is being drained, of which all that arrived was delivered. */
  drained(): void;
  /** Says that the connection is closed. */
  closed(): void;
  /** `Client.send`; `later`: when the running callbacks are done. */
  send(message: unknown, later?: boolean): Promise<void>;
  /** `Client.receive`. */
  receive(options?: ReceiveOptions): Promise<unknown>;
  /** The same for a message that `codec` reads; `hurries`: it has begun, and is under `messageTimeout`. */
  receiveAs(codec: Codec, hurries: boolean, limits?: WaitLimits): Promise<unknown>;
  /** Has the next `length` bytes dropped before the next message. */
  skip(length: number): void;
  /** The same for an iteration. */
  next(): Promise<IteratorResult<unknown, undefined>>;
}

/** A connection as its strategy sees it, and hands it to the service. */
export interface ServedConnection extends Client<unknown, unknown>, Keeping, RatedConnection {
  readonly fd: number;
  readonly lease: Pick<Lease, 'generation' | 'messageDone' | 'messageStarted' | 'noteKept' | 'take'>;
  /** Whether the service may be given another message now. */
  readonly takesInput: boolean;
  /** How its messages are read and its replies are written, from now on. */
  readonly codec: Codec;

  /** Whether any of `flags` is set: see `flags.ts`. */
  is(flags: number): boolean;
  set(flags: number): void;
  unset(flags: number): void;
  /** Gives the service what it did not want before, and sends what came of it. */
  resume(): void;
  /** Sends a message when the running callbacks are done. */
  sendLater(message: unknown): Promise<void>;
  /** Flushes the output when the running callbacks are done. */
  flushSoon(): void;
  /** What `send` gives: `sent`, unless the message was refused. */
  orRefused(sent: Promise<void>): Promise<void>;
  /** Says that what the client sent is no message, as the decoder found. */
  refuseFrame(status: FrameStatus): void;
  /** Reports what the service threw, and closes its client. */
  serviceFailed(error: unknown): void;
  /** Sends what is still to be sent, then closes for `reason`. The first reason counts. */
  finish(reason: CloseReason, detail?: string): void;
  /** The error that calls on this connection end with. */
  closedError(): HeddleError;
}

/** The `message` of a service as it is called here. */
export interface Answering {
  message(message: unknown, client: unknown): unknown;
}

/** What a strategy needs of its thread. */
export interface StrategyContext {
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly service: Service;
  /** Has the `message` that answers messages: the service itself, unless messages are traced. */
  readonly answers: Answering;
  /** How many messages clients may send; `undefined`: as many as they like. */
  readonly rate: MessageRate | undefined;
  /** The framings of the service. */
  readonly codecs: Codecs;
  /** Where the decoder leaves what it found; valid until the next decode. */
  readonly frame: Frame;
  /** Where reads go. */
  readonly input: NativeBuffer;
  /** What reads for the connections. */
  readonly reader: Reader;
  /** When the last event was done with, in `performance.now()` ms: where the time of the next one begins. */
  time: number;
  /** Since when the client that is served now may have waited. */
  readonly looks: Pick<LookTimes, 'floor' | 'hasBlocked'>;
  /** Says when clients give way to others. */
  readonly turn: Turn;
  /** How many handlers and sessions await something that is not their client. */
  awaiting: number;
}
