/** Keeps a value that the service has set with a client: in the arena, where it moves with the client and outlives its thread. */
import { HeddleError } from '../../errors.ts';
import type { Block } from '../../sharing/arena.ts';
import { STATE_HEADER_BYTES, stateForm, stateLength, writeStateHeader } from './state-block.ts';
import type { ConnectionTable } from '../../sharing/connection-table.ts';
import type { MemoryBlocks } from '../bytes/saved-bytes.ts';
import { CLOSED } from '../flags.ts';
import type { Lease } from '../lease.ts';
import { noteKept } from '../kept.ts';
import type { Settling } from '../settle.ts';
import { type CalledConnection, takeSlot } from '../asked/take-slot.ts';
import { decodeState, encodeState, type EncodedState } from './encoded-state.ts';

/*
 * The slot names the block. Unlike saved bytes it stays the slot's while a thread has the client: whoever closes the client, or
 * hands it over, finds it there. So a thread that dies with the client leaves nothing to be found out.
 */

/** What this needs of its thread. */
export interface ClientStateContext {
  readonly table: ConnectionTable;
  readonly blocks: MemoryBlocks;
  /** `maxClientState`: how many bytes a state may have. */
  readonly settings: { readonly maxClientState: number };
}

export class ClientState {
  readonly #context: ClientStateContext;
  readonly #fd: number;
  #block: Block;
  /** What is in the block, if `#isRead`. */
  #value: unknown = undefined;
  #isRead = false;
  /** The client is gone, and the slot may be another's. */
  #isGone = false;

  /** The slot is this thread's, as at each call below. */
  constructor(context: ClientStateContext, fd: number) {
    this.#context = context;
    this.#fd = fd;
    this.#block = context.table.clientState(fd);
  }

  /** How much memory the state takes. */
  get allocated(): number {
    return this.#block === 0 ? 0 : this.#context.blocks.capacity(this.#block);
  }

  get(): unknown {
    if (this.#isRead) return this.#value;
    if (this.#block === 0 || this.#isGone) return undefined;
    const { bytes, at } = this.#context.blocks.locate(this.#block);
    const [form, from] = [stateForm(bytes, at), at + STATE_HEADER_BYTES];
    const value = decodeState(form, bytes, from, from + stateLength(bytes, at));
    if (ArrayBuffer.isView(value)) return value; // Bytes cannot be frozen: each caller gets its own.
    this.#value = value;
    this.#isRead = true;
    return value;
  }

  /** Errors: TypeError for what cannot be cloned; `HEDDLE_TOO_MUCH_STATE`. Then the state is what it was. */
  set(value: unknown): void {
    if (this.#isGone) return;
    if (value === undefined) this.#name(0);
    else this.#write(encodeState(value));
    this.#isRead = false;
    this.#value = undefined;
  }

  /** The slot is about to be given up: what is in it can be read until then, and is kept. */
  letGo(): void {
    this.#value = this.get();
    this.#isRead = true;
    this.#isGone = true;
  }

  #write(encoded: EncodedState): void {
    const { blocks, settings } = this.#context;
    const { data, form, length } = encoded;
    if (length > settings.maxClientState) throw tooLong(length, settings.maxClientState);
    const block = this.#blockFor(length + STATE_HEADER_BYTES);
    const { bytes, at } = blocks.locate(block);
    writeStateHeader(bytes, at, form, length);
    if (typeof data === 'string') bytes.write(data, at + STATE_HEADER_BYTES, length, 'utf8');
    else bytes.set(data, at + STATE_HEADER_BYTES);
    this.#name(block);
  }

  /** Finds room for `size` bytes: where the state is now, if it fits there and does not waste much. */
  #blockFor(size: number): Block {
    const { blocks } = this.#context;
    const { allocated } = this;
    if (size <= allocated && size > allocated >> 2) return this.#block;
    const block = blocks.allocateForSlot(size);
    if (block === 0) throw noRoom(size);
    return block;
  }

  /** Has the slot name `block` from now on; 0: none. */
  #name(block: Block): void {
    const { blocks, table } = this.#context;
    const before = this.#block;
    if (block === before) return;
    this.#block = block;
    table.setClientState(this.#fd, block);
    if (before !== 0) blocks.freeBlock(before);
  }
}

/** A connection with which a service keeps something. */
export interface KeepingConnection extends Settling, CalledConnection {
  readonly fd: number;
  readonly lease: Lease;
  kept: ClientState | undefined;
  is(flags: number): boolean;
}

/** `client.state`. */
export function readState(connection: KeepingConnection, context: ClientStateContext): unknown {
  return stateOf(connection, context)?.get();
}

/** `client.state = value`. */
export function writeState(connection: KeepingConnection, context: ClientStateContext, value: unknown): void {
  stateOf(connection, context)?.set(value);
  if (!connection.is(CLOSED)) noteKept(connection);
}

/** `undefined`: the client is gone, and had no state. */
function stateOf(connection: KeepingConnection, context: ClientStateContext): ClientState | undefined {
  if (!takeSlot(connection)) return connection.kept;
  return (connection.kept ??= new ClientState(context, connection.fd));
}

function tooLong(length: number, limit: number): HeddleError {
  const text = `client.state has ${length} bytes when written down, and may have ${limit} (maxClientState): keep less with the client, or allow more`;
  return new HeddleError('HEDDLE_TOO_MUCH_STATE', text);
}

function noRoom(size: number): HeddleError {
  const text = `There is no room for ${size} bytes of client.state: the memory that threads share is full of states, half messages and unsent replies. Keep less with each client, or allow fewer clients (maxClients)`;
  return new HeddleError('HEDDLE_TOO_MUCH_STATE', text);
}
