/** Shows a server to those who watch it from outside, and opens the port where they ask. */
import type { Door } from '../admin/door.ts';
import type { Observed, Watched } from '../admin/observed.ts';
import type { NameOf } from '../options/source.ts';
import type { Engine } from './engine.ts';
import type { LimitedSettings } from '../options/thread-settings.ts';
import type { SharedMemory } from './shared-memory.ts';

/** How long a port that the process before this one still has is waited for between two tries, in ms. */
const RETRY_MS = 50;

interface Parts {
  readonly engine: Pick<Engine, 'name' | 'cpuTimeOf'>;
  readonly settings: LimitedSettings;
  readonly memory: SharedMemory;
  readonly nameOf: NameOf;
  readonly state: () => Observed['state'];
  readonly ping: () => Promise<void>;
}

export class MetricsPort implements Watched {
  readonly #parts: Parts;
  #door: Door | undefined;
  #isWanted = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Where metrics are asked for; `undefined`: nowhere. */
  get address(): Door['address'] | undefined {
    return this.#door?.address;
  }

  /** Opens the port, if one is to be open. Nothing of HTTP is loaded otherwise. Errors: `HEDDLE_LISTEN`. */
  async open(): Promise<void> {
    const { nameOf, settings } = this.#parts;
    if (settings.metrics === undefined || this.#door !== undefined) return;
    this.#isWanted = true;
    const { openDoor } = await import('../admin/door.ts');
    const door = await openDoor(this, { ...settings.metrics, hosts: settings.metricsHosts, nameOf });
    if (this.#isWanted) this.#door = door;
    else door.close();
  }

  /** Opens the port as soon as the process before this one, or after it, has closed it. */
  openSoon(): void {
    this.open().catch(() => {
      if (this.#isWanted) this.#retry = setTimeout(() => this.openSoon(), RETRY_MS).unref();
    });
  }

  close(): void {
    this.#isWanted = false;
    clearTimeout(this.#retry);
    this.#door?.close();
    this.#door = undefined;
  }

  async ping(): Promise<void> {
    await this.#parts.ping();
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
      },
      cpuTimeOf: (id) => engine.cpuTimeOf(board.row(id - 1).tid),
    };
  }
}
