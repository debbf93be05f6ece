/** Shows a server to those who watch it from outside, and does what its user has it do. */
import { readFileSync } from 'node:fs';
import type { ToAcceptor } from '../acceptor/messages.ts';
import { ClientList, type Found } from '../admin/control/client-list.ts';
import { ClosedClients } from '../admin/control/closed-clients.ts';
import type { About, Controlled, ThreadTimes } from '../admin/control/controlled.ts';
import type { BlockedThread, Observed } from '../admin/observed.ts';
import type { ServerEvent } from '../log/event.ts';
import type { LimitedSettings } from '../options/thread-settings.ts';
import { elapsed, sharedTime } from '../sharing/clock.ts';
import { stateOf, threadOf, BUSY, PINNED } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { formatPeer } from '../sys/structs/socket-address.ts';
import type { Engine } from './engine.ts';
import type { SharedMemory } from './shared-memory.ts';

interface Parts {
  readonly engine: Pick<Engine, 'name' | 'cpuTimeOf'>;
  readonly settings: LimitedSettings;
  readonly memory: SharedMemory;
  readonly addresses: readonly string[];
  readonly state: () => Observed['state'];
  readonly ping: () => Promise<void>;
  readonly post: (message: Extract<ToAcceptor, { type: 'kick' }>) => void;
}

export class Watch implements Controlled {
  readonly clients: ClientList;
  readonly closed = new ClosedClients();
  /** Clients that leave are remembered. */
  remembers = false;
  readonly #parts: Parts;
  readonly #startedAt = performance.now();
  #lastReloadFailed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { memory, settings } = parts;
    this.clients = new ClientList({ table: memory.table, board: memory.board, speaksTls: settings.tls !== undefined });
  }

  get about(): About {
    const { addresses, engine, settings } = this.#parts;
    const { maxClients, service, threads } = settings;
    return {
      version: ownVersion(),
      pid: process.pid,
      node: process.versions.node,
      engine: engine.name,
      ...(service !== undefined && { service: service.toString() }),
      addresses,
      threads,
      maxClients,
    };
  }

  /** Takes note of an event of the server. */
  note(event: ServerEvent): void {
    if (event.type === 'close') {
      if (this.remembers) this.closed.add(event);
    } else if (event.type === 'reload' || event.type === 'reload-failed') {
      this.#lastReloadFailed = event.type === 'reload-failed';
    }
  }

  async ping(): Promise<void> {
    await this.#parts.ping();
  }

  kick(clients: readonly Found[]): void {
    if (clients.length === 0) return;
    this.#parts.post({ type: 'kick', clients: clients.map(({ fd, client: { id } }) => ({ fd, id })) });
  }

  blocked(): BlockedThread[] {
    const now = sharedTime(performance.now());
    return this.#parts.memory.board.rows.filter((row) => row.blockedSince !== 0).map((row) => this.#blockOf(row, now));
  }

  threadTimes(id: number): ThreadTimes {
    const { engine, memory } = this.#parts;
    const { tid } = memory.board.row(id - 1);
    const [cpuMs, runDelayMs] = [engine.cpuTimeOf(tid), runDelayOf(tid)];
    return { ...(cpuMs !== undefined && { cpuMs }), ...(runDelayMs !== undefined && { runDelayMs }) };
  }

  observe(): Observed {
    const { engine, memory, settings, state } = this.#parts;
    const { arena, board, events } = memory;
    return {
      stats: memory.stats(),
      state: state(),
      engine: engine.name,
      threads: settings.threads,
      maxClients: settings.maxClients,
      arena: { used: arena.used, size: arena.size },
      counts: {
        threadStarts: memory.countOf('thread-start'),
        threadExits: memory.countOf('thread-exit'),
        eventsLost: events.lost,
        reloads: memory.countOf('reload'),
        failedReloads: memory.countOf('reload-failed'),
        lastReloadFailed: this.#lastReloadFailed,
      },
      now: Date.now(),
      uptimeMs: performance.now() - this.#startedAt,
      blocked: this.blocked(),
      codes: [],
      acceptQueue: [],
      certificates: [],
      cpuTimeOf: (id) => engine.cpuTimeOf(board.row(id - 1).tid),
    };
  }

  #blockOf(row: ThreadRow, now: number): BlockedThread {
    const { blockedSince, blockMoved: moved, blockRelief, number: thread } = row;
    const client = this.#currentClient(row);
    return {
      thread,
      ms: Math.max(1, elapsed(blockedSince, now)),
      ...(client !== undefined && { client }),
      moved,
      ...(blockRelief >= 0 && { reliefMs: blockRelief }),
    };
  }

  #currentClient({ currentFd: fd, thread }: ThreadRow): BlockedThread['client'] {
    const { table } = this.#parts.memory;
    if (fd < 0) return undefined;
    const word = table.word(fd);
    const isServed = (stateOf(word) === BUSY || stateOf(word) === PINNED) && threadOf(word) === thread;
    return isServed ? { id: table.id(fd), address: formatPeer(table.address(fd)), port: table.port(fd) } : undefined;
  }
}

let version: string | undefined;

function ownVersion(): string {
  version ??= (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
  return version;
}

/** How long a thread was ready and had no CPU, in ms (proc(5), schedstat). */
function runDelayOf(tid: number): number | undefined {
  if (tid <= 0) return undefined;
  try {
    const [, waited] = readFileSync(`/proc/self/task/${tid}/schedstat`, 'utf8').split(' ');
    return Number(waited) / 1e6;
  } catch {
    return undefined;
  }
}
