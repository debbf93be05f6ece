/** Opens the port where metrics are asked for, and opens it again when another process has let go of it. */
import type { HttpPort } from '../admin/http-port.ts';
import type { Watched } from '../admin/observed.ts';
import type { NameOf } from '../options/source.ts';
import type { LimitedSettings } from '../options/thread-settings.ts';

/** How long a port that the process before this one still has is waited for between two tries, in ms. */
const RETRY_MS = 50;

interface Parts {
  readonly settings: Pick<LimitedSettings, 'metrics' | 'metricsHosts'>;
  readonly watched: Watched;
  readonly nameOf: NameOf;
}

export class MetricsPort {
  readonly #parts: Parts;
  #httpPort: HttpPort | undefined;
  #isWanted = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Where metrics are asked for; `undefined`: nowhere. */
  get address(): HttpPort['address'] | undefined {
    return this.#httpPort?.address;
  }

  /** Opens the port, if one is to be open. Nothing of HTTP is loaded otherwise. Errors: `HEDDLE_LISTEN`. */
  async open(): Promise<void> {
    const { nameOf, settings, watched } = this.#parts;
    if (settings.metrics === undefined || this.#httpPort !== undefined) return;
    this.#isWanted = true;
    const { openHttpPort } = await import('../admin/http-port.ts');
    const httpPort = await openHttpPort(watched, { ...settings.metrics, hosts: settings.metricsHosts, nameOf });
    if (this.#isWanted) this.#httpPort = httpPort;
    else httpPort.close();
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
    this.#httpPort?.close();
    this.#httpPort = undefined;
  }
}
