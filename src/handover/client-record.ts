/** Writes what the connection table knows of an idle client, for the process that serves it next, and reads it back. */
import { stateBlockLength } from '../connection/state/state-block.ts';
import { BLOCKING, type ClientKind } from '../sharing/client-kind.ts';
import type { Arena, Block } from '../sharing/arena.ts';
import { type ConnectionTable, ENDED, NEW, OUTPUT_OVER, PROXIED, WORK_LEFT } from '../sharing/connection-table.ts';

/** A client, but for the bytes that are kept for it, which follow. */
export interface ClientRecord {
  readonly id: number;
  /** 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  /** What stands for its framing: see `ConnectionTable.mode`. */
  readonly mode: number;
  readonly flags: number;
  /** Times of the table: the clock behind them is the same in all processes. */
  readonly lastActivity: number;
  readonly messageStartedAt: number;
  readonly writeStalledAt: number;
  /** How long it may be idle, in ms: see `ConnectionTable.idleTimeout`. */
  readonly idleTimeout: number;
  /** What is known of its cost: see `ConnectionTable.kind` and `cost`. */
  readonly kind: ClientKind;
  readonly cost: number;
  readonly costAt: number;
  readonly meanCost: number;
  /** How many bytes without a whole message follow, then how many that are not sent yet, then how many of the service's state. */
  readonly inbox: number;
  readonly outbox: number;
  readonly state: number;
}

// The layout, in bytes, little-endian; a change of it is a change of VERSION in `packets.ts`.
const KIND_AT = 0;
const FLAGS = 1;
const PORT = 2;
const LAST_ACTIVITY = 4;
const MESSAGE_STARTED_AT = 8;
const WRITE_STALLED_AT = 12;
const INBOX = 16;
const OUTBOX = 20;
const ID = 24;
const ADDRESS = 32; // to 47
const COST = 48;
const COST_AT = 52;
const MEAN_COST = 56;
const KIND = 60;
const STATE = 64;
const MODE = 68;
const IDLE_TIMEOUT = 72;
const SIZE = 76;

/** The first byte of a record. */
export const CLIENT = 4;

/** More is never kept for a client where it can move: the largest block of the arena. */
const MAX_KEPT_BYTES = 2 ** 24;

/** Reads from the table what there is to know of the client of `fd`. The caller has its slot. */
export function recordOf(table: ConnectionTable, arena: Arena, fd: number): ClientRecord {
  const [inbox, outbox] = [table.inbox(fd), table.outbox(fd)];
  return {
    id: table.id(fd),
    address: table.address(fd),
    port: table.port(fd),
    mode: table.mode(fd),
    flags: table.flags(fd),
    lastActivity: table.lastActivity(fd),
    messageStartedAt: table.messageStartedAt(fd),
    writeStalledAt: table.writeStalledAt(fd),
    idleTimeout: table.idleTimeout(fd),
    kind: table.kind(fd),
    cost: table.cost(fd),
    costAt: table.costAt(fd),
    meanCost: table.meanCost(fd),
    inbox: inbox === undefined ? 0 : inbox.end - inbox.start,
    outbox: outbox === undefined ? 0 : outbox.end - outbox.start,
    state: stateSize(arena, table.clientState(fd)),
  };
}

/** How many bytes of `block` are in use. */
function stateSize(arena: Arena, block: Block): number {
  return block === 0 ? 0 : stateBlockLength(arena.bytes, arena.offset(block));
}

export function encodeRecord(record: ClientRecord): Buffer {
  const bytes = Buffer.alloc(SIZE);
  bytes[KIND_AT] = CLIENT;
  bytes[FLAGS] = record.flags;
  bytes.writeUInt16LE(record.port, PORT);
  bytes.writeInt32LE(record.lastActivity, LAST_ACTIVITY);
  bytes.writeInt32LE(record.messageStartedAt, MESSAGE_STARTED_AT);
  bytes.writeInt32LE(record.writeStalledAt, WRITE_STALLED_AT);
  bytes.writeUInt32LE(record.inbox, INBOX);
  bytes.writeUInt32LE(record.outbox, OUTBOX);
  bytes.writeUInt32LE(record.state, STATE);
  bytes.writeUInt16LE(record.mode, MODE);
  bytes.writeDoubleLE(record.id, ID);
  bytes.set(record.address, ADDRESS);
  bytes.writeInt32LE(record.cost, COST);
  bytes.writeInt32LE(record.costAt, COST_AT);
  bytes.writeInt32LE(record.meanCost, MEAN_COST);
  bytes[KIND] = record.kind;
  bytes.writeInt32LE(record.idleTimeout, IDLE_TIMEOUT);
  return bytes;
}

/** Reads a record; `undefined`: the bytes are none. */
export function decodeRecord(bytes: Buffer): ClientRecord | undefined {
  if (bytes.length !== SIZE || bytes[KIND_AT] !== CLIENT) return undefined;
  const record = {
    id: bytes.readDoubleLE(ID),
    address: Uint8Array.from(bytes.subarray(ADDRESS, COST)),
    port: bytes.readUInt16LE(PORT),
    mode: bytes.readUInt16LE(MODE),
    flags: bytes[FLAGS] as number,
    lastActivity: bytes.readInt32LE(LAST_ACTIVITY),
    messageStartedAt: bytes.readInt32LE(MESSAGE_STARTED_AT),
    writeStalledAt: bytes.readInt32LE(WRITE_STALLED_AT),
    idleTimeout: bytes.readInt32LE(IDLE_TIMEOUT),
    kind: bytes[KIND] as ClientKind,
    cost: bytes.readInt32LE(COST),
    costAt: bytes.readInt32LE(COST_AT),
    meanCost: bytes.readInt32LE(MEAN_COST),
    inbox: bytes.readUInt32LE(INBOX),
    outbox: bytes.readUInt32LE(OUTBOX),
    state: bytes.readUInt32LE(STATE),
  };
  const isKnown = record.idleTimeout >= 0 && record.kind <= BLOCKING && record.cost >= 0 && record.meanCost >= 0;
  const isPlain =
    (record.flags & ~(NEW | ENDED | PROXIED | WORK_LEFT | OUTPUT_OVER)) === 0 &&
    Number.isSafeInteger(record.id) &&
    record.id >= 0;
  const isKept = [record.inbox, record.outbox, record.state].every((length) => length <= MAX_KEPT_BYTES);
  return isPlain && isKnown && isKept ? record : undefined;
}
