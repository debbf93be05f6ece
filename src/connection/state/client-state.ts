/** Keeps with a client what its service has set, and what its framing has to know: in the arena, where it moves with the client and outlives its thread. */
import { HeddleError } from '../../errors.ts';
import type { Block } from '../../sharing/arena.ts';
import type { ConnectionTable } from '../../sharing/connection-table.ts';
import { type CalledConnection, takeSlot } from '../asked/take-slot.ts';
import type { MemoryBlocks } from '../bytes/saved-bytes.ts';
import type { Codec } from '../codec/codec.ts';
import { CLOSED } from '../flags.ts';
import { type Keeping, noteKept } from '../kept.ts';
import type { Lease } from '../lease.ts';
import { decodeState, encodeState, type EncodedState, freeze, NOTHING } from './encoded-state.ts';
import {
  AS_NOTHING,
  FRAMING,
  SERVICE,
  STATE_HEADER_BYTES,
  stateForm,
  stateFrom,
  stateLength,
  type StateOwner,
  writeStateHeader,
} from './state-block.ts';

/*
 * The slot names the block. Unlike saved bytes it stays the slot's while a thread has the client: whoever closes the client, or
 * hands it over, finds it there. So a thread that dies with the client leaves nothing to be found out.
 */

/** What this needs of its thread. */
export interface ClientStateContext {
  readonly table: ConnectionTable;
  readonly blocks: MemoryBlocks;
  /** `maxClientState`: how many bytes each of the two states may have. */
  readonly settings: { readonly maxClientState: number };
}

export class ClientState {
  readonly #context: ClientStateContext;
  readonly #fd: number;
  #block: Block;
  /** The service's state, if `#isRead`. */
  #value: unknown = undefined;
  #isRead = false;
  /** What was written last of the framing's: most often it is the same. */
  #framing: EncodedState | undefined = undefined;
  /** The client is gone, and the slot may be another's. */
  #isGone = false;

  /** The slot is this thread's, as at each call below. */
  constructor(context: ClientStateContext, fd: number) {
    this.#context = context;
    this.#fd = fd;
    this.#block = context.table.clientState(fd);
  }

  /** How much memory the states take. */
  get allocated(): number {
    return this.#block === 0 ? 0 : this.#context.blocks.capacity(this.#block);
  }

  /** The service's. */
  get(): unknown {
    if (this.#isRead) return this.#value;
    if (this.#isGone) return undefined;
    const value = this.#read(SERVICE);
    if (ArrayBuffer.isView(value)) return value; // Bytes cannot be frozen: each caller gets its own.
    this.#value = freeze(value); // A change would change a copy only.
    this.#isRead = true;
    return value;
  }

  /** Errors: TypeError for what cannot be cloned; `HEDDLE_TOO_MUCH_STATE`. Then the state is what it was. */
  set(value: unknown): void {
    if (this.#isGone) return;
    const service = this.#checked(value, 'client.state');
    if (!this.#write(service, this.#encoded(FRAMING))) throw noRoom(service.length);
    this.#isRead = false;
    this.#value = undefined;
  }

  /** The framing's, as it was kept last: a value of the caller's own. */
  get framing(): unknown {
    return this.#read(FRAMING);
  }

  /** Keeps the framing's; false: there is no room. Errors: as for `set`. */
  keepFraming(value: unknown): boolean {
    const framing = this.#checked(value, 'The state of a framing');
    if (this.#framing !== undefined && isSame(this.#framing, framing)) return true;
    if (!this.#write(this.#encoded(SERVICE), framing)) return false;
    this.#framing = framing;
    return true;
  }

  /** The slot is about to be given up: what is in it can be read until then, and is kept. */
  letGo(): void {
    this.#value = this.get();
    this.#isRead = true;
    this.#isGone = true;
  }

  #checked(value: unknown, whose: string): EncodedState {
    const { maxClientState } = this.#context.settings;
    const encoded = encodeState(value, whose);
    if (encoded.length > maxClientState) throw tooLong(whose, encoded.length, maxClientState);
    return encoded;
  }

  #read(owner: StateOwner): unknown {
    if (this.#block === 0) return undefined;
    const { bytes, at } = this.#context.blocks.locate(this.#block);
    const from = stateFrom(bytes, at, owner);
    return decodeState(stateForm(bytes, at, owner), bytes, from, from + stateLength(bytes, at, owner));
  }

  /** A copy of what is in the block. */
  #encoded(owner: StateOwner): EncodedState {
    if (this.#block === 0) return NOTHING;
    const { bytes, at } = this.#context.blocks.locate(this.#block);
    const length = stateLength(bytes, at, owner);
    if (length === 0) return { ...NOTHING, form: stateForm(bytes, at, owner) };
    const from = stateFrom(bytes, at, owner);
    return { form: stateForm(bytes, at, owner), data: Uint8Array.from(bytes.subarray(from, from + length)), length };
  }

  /** False: there is no room. */
  #write(service: EncodedState, framing: EncodedState): boolean {
    const isNothing = service.form === AS_NOTHING && framing.form === AS_NOTHING;
    const block = isNothing ? 0 : this.#blockFor(STATE_HEADER_BYTES + service.length + framing.length);
    if (block !== 0) this.#fill(block, service, framing);
    if (block !== 0 || isNothing) this.#name(block);
    return block !== 0 || isNothing;
  }

  #fill(block: Block, service: EncodedState, framing: EncodedState): void {
    const { blocks } = this.#context;
    const { bytes, at } = blocks.locate(block);
    writeStateHeader(bytes, at, SERVICE, service.form, service.length);
    writeStateHeader(bytes, at, FRAMING, framing.form, framing.length);
    put(service, bytes, at + STATE_HEADER_BYTES);
    put(framing, bytes, at + STATE_HEADER_BYTES + service.length);
  }

  /** Finds room for `size` bytes: where the states are now, if they fit there and do not waste much. 0: there is none. */
  #blockFor(size: number): Block {
    const { blocks } = this.#context;
    const { allocated } = this;
    if (size <= allocated && size > allocated >> 2) return this.#block;
    return blocks.allocateForSlot(size);
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

function put({ data, length }: EncodedState, bytes: Buffer, at: number): void {
  if (typeof data === 'string') bytes.write(data, at, length, 'utf8');
  else bytes.set(data, at);
}

function isSame(one: EncodedState, other: EncodedState): boolean {
  if (one.form !== other.form || one.length !== other.length) return false;
  if (typeof one.data === 'string' || typeof other.data === 'string') return one.data === other.data;
  return Buffer.compare(one.data, other.data) === 0;
}

/** A connection with which something is kept. */
export interface KeepingConnection extends Omit<Keeping, 'kept'>, CalledConnection {
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

/** A connection whose framing may keep a state with it. */
export interface FramedConnection {
  readonly fd: number;
  readonly codec: Pick<Codec, 'framing'>;
  kept: ClientState | undefined;
}

/** Keeps what the framing has to know of the client; false: there is no room. The slot is this thread's. Errors: as for `client.state`. */
export function keepFraming(connection: FramedConnection, context: ClientStateContext): boolean {
  const { state } = connection.codec.framing;
  if (state === undefined && connection.kept === undefined) return true;
  connection.kept ??= new ClientState(context, connection.fd);
  return connection.kept.keepFraming(state);
}

function tooLong(whose: string, length: number, limit: number): HeddleError {
  const text = `${whose} has ${length} bytes when written down, and may have ${limit} (maxClientState): keep less with the client, or allow more`;
  return new HeddleError('HEDDLE_TOO_MUCH_STATE', text);
}

function noRoom(size: number): HeddleError {
  const text = `There is no room for ${size} bytes of client.state: the memory that threads share is full of states, half messages and unsent replies. Keep less with each client, or allow fewer clients (maxClients)`;
  return new HeddleError('HEDDLE_TOO_MUCH_STATE', text);
}
