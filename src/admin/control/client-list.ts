/** Lists the clients of a server, from shared memory: no thread is asked, none waits. */
import { ageOf, sharedTime } from '../../sharing/clock.ts';
import { BLOCKING, COMPUTING, LIGHT, NEWCOMER } from '../../sharing/client-kind.ts';
import type { ConnectionTable } from '../../sharing/connection-table.ts';
import { BUSY, CLOSING, FREE, IDLE, MOVING, PINNED, stateOf, threadOf } from '../../sharing/control-word.ts';
import type { ThreadBoard } from '../../sharing/thread-board.ts';
import { formatPeer } from '../../sys/structs/socket-address.ts';

/** So many slots are read before main does something else: about a millisecond. */
const SLOTS_AT_ONCE = 512;

const STATES = new Map([
  [IDLE, 'idle'],
  [BUSY, 'busy'],
  [PINNED, 'pinned'],
  [MOVING, 'moving'],
  [CLOSING, 'closing'],
] as const);

const COSTS = new Map([
  [NEWCOMER, 'newcomer'],
  [LIGHT, 'light'],
  [COMPUTING, 'computing'],
  [BLOCKING, 'blocking'],
] as const);

export const STATE_NAMES: readonly string[] = [...STATES.values()];
export const COST_NAMES: readonly string[] = [...COSTS.values()];
/** Why a client cannot leave its thread. */
export const PIN_CAUSES = ['session', 'tls', 'handler'] as const;

/** One client at one moment. Durations are in ms; what does not hold now is left out. */
export interface ListedClient {
  readonly id: number;
  readonly address: string;
  /** 0 for a client of a Unix socket. */
  readonly port: number;
  /** The thread that serves the client, from 1; 0: it waits for one. */
  readonly thread: number;
  readonly state: string;
  /** Why the client cannot leave its thread. */
  readonly pinned?: (typeof PIN_CAUSES)[number];
  /** How long this process has had the client. */
  readonly ageMs?: number;
  /** How long no byte has come or gone. */
  readonly idleMs?: number;
  /** How long a message has been begun and not completed. */
  readonly messageMs?: number;
  /** How long the client has read nothing of what waits for it. */
  readonly stalledMs?: number;
  /** How many bytes are kept for the client. */
  readonly kept: number;
  /** How often the client has changed threads. */
  readonly moves: number;
  /** What its messages cost. */
  readonly cost: string;
}

export interface ListParts {
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly speaksTls: boolean;
}

export class ClientList {
  readonly #parts: ListParts;

  constructor(parts: ListParts) {
    this.#parts = parts;
  }

  /** The client of slot `fd`; `undefined`: there is none, or it left while its slot was read. */
  at(fd: number, now = sharedTime(performance.now())): ListedClient | undefined {
    const { table } = this.#parts;
    const word = table.word(fd);
    if (stateOf(word) === FREE) return undefined;
    const client = this.#read(fd, word, now);
    const after = table.word(fd);
    return stateOf(after) === FREE || table.id(fd) !== client.id ? undefined : client;
  }

  /** The slot of client `id`; `undefined`: it is gone. */
  find(id: number): number | undefined {
    const { table } = this.#parts;
    for (let fd = 0; fd < table.size; fd++) if (stateOf(table.word(fd)) !== FREE && table.hasId(fd, id)) return fd;
    return undefined;
  }

  /** All clients, by their slots. Main does other things between two slices. */
  async *all(): AsyncGenerator<readonly Found[]> {
    const { table } = this.#parts;
    for (let from = 0; from < table.size; from += SLOTS_AT_ONCE) {
      const now = sharedTime(performance.now());
      const end = Math.min(from + SLOTS_AT_ONCE, table.size);
      const slice: Found[] = [];
      for (let fd = from; fd < end; fd++) {
        const client = this.at(fd, now);
        if (client !== undefined) slice.push({ fd, client });
      }
      yield slice;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #read(fd: number, word: number, now: number): ListedClient {
    const { board, speaksTls, table } = this.#parts;
    const row = board.row(threadOf(word));
    const pinned = row.pins ? (speaksTls ? 'tls' : 'session') : 'handler';
    return {
      id: table.id(fd),
      address: formatPeer(table.address(fd)),
      port: table.port(fd),
      thread: row.number,
      state: STATES.get(stateOf(word) as typeof IDLE) ?? 'closing',
      ...(stateOf(word) === PINNED && { pinned }),
      ...since('ageMs', table.connectedAt(fd), now),
      ...since('idleMs', table.lastActivity(fd), now),
      ...since('messageMs', table.messageStartedAt(fd), now),
      ...since('stalledMs', table.writeStalledAt(fd), now),
      kept: table.kept(fd),
      moves: table.moves(fd),
      cost: COSTS.get(table.kind(fd)) ?? 'light',
    };
  }
}

/** A client, and its slot. */
export interface Found {
  readonly fd: number;
  readonly client: ListedClient;
}

/** The time since `moment`, a `sharedTime`; nothing if there is no such moment. */
function since<Name extends string>(name: Name, moment: number, now: number): { readonly [name in Name]?: number } {
  return moment === 0 ? {} : ({ [name]: ageOf(moment, now) } as { [name in Name]: number });
}
