/** Opens the places where those who watch a server ask it: the port for metrics, and the control socket. */
import { resolve } from 'node:path';
import type { Controlled } from '../../admin/control/controlled.ts';
import type { HttpPort } from '../../admin/http-port.ts';
import { errorToRecord } from '../../errors.ts';
import type { NotOpenedEvent } from '../../log/event.ts';
import type { ServeSettings } from '../../options/serve-options.ts';
import type { NameOf } from '../../options/source.ts';
import { ControlSocket } from './control-socket.ts';
import { Reopening } from './reopening.ts';

interface Parts {
  readonly settings: Pick<ServeSettings, 'control' | 'metrics' | 'metricsHosts'>;
  readonly controlled: Controlled;
  /** The user of whoever connected, by the fd: see `Engine`. */
  readonly peerUid: (fd: number) => number | undefined;
  readonly nameOf: NameOf;
  readonly report: (event: NotOpenedEvent) => void;
}

export class Doors {
  readonly #parts: Parts;
  /** Left out without the option. */
  readonly #metrics: Reopening<HttpPort> | undefined;
  #control: Reopening<ControlSocket> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const control = controlOf(parts.settings);
    this.#metrics = this.#metricsPort();
    this.#control = control === undefined ? undefined : this.#controlAt(control);
  }

  /** Whether somebody can ask, or soon can. */
  get areWanted(): boolean {
    return this.#metrics?.isWanted === true || this.#control?.isWanted === true;
  }

  /** Where the control socket is; `undefined`: nowhere. */
  get controlPath(): string | undefined {
    return this.#control?.opened?.path;
  }

  /** Where metrics are asked for; `undefined`: nowhere. */
  get metricsAddress(): HttpPort['address'] | undefined {
    return this.#metrics?.opened?.address;
  }

  /** Errors: `HEDDLE_LISTEN`. */
  async open(): Promise<void> {
    await this.#metrics?.now();
    await this.#control?.now();
  }

  /** Opens a control socket at `path` as well. Errors: `HEDDLE_LISTEN`. */
  async openControl(path: string): Promise<void> {
    this.#control = this.#controlAt(path);
    await this.#control.now();
  }

  /** Opens them as soon as no other process has them. */
  openSoon(): void {
    const failed = (what: NotOpenedEvent['what']) => (error: unknown) =>
      this.#parts.report({ type: 'not-opened', time: Date.now(), what, error: errorToRecord(error, 'HEDDLE_LISTEN') });
    this.#metrics?.soon(failed('metrics'));
    this.#control?.soon(failed('control'));
  }

  /** Ends at once, with all connections; `openSoon` opens them again. */
  close(): void {
    this.#metrics?.close();
    this.#control?.close();
  }

  /** Nothing of HTTP is loaded without the option. */
  #metricsPort(): Reopening<HttpPort> | undefined {
    const { controlled: watched, nameOf, settings } = this.#parts;
    const { metrics, metricsHosts: hosts } = settings;
    if (metrics === undefined) return undefined;
    return new Reopening(async () => {
      const { openHttpPort } = await import('../../admin/http-port.ts');
      return openHttpPort(watched, { ...metrics, hosts, nameOf });
    });
  }

  #controlAt(given: string): Reopening<ControlSocket> {
    const path = resolve(given);
    const { controlled, nameOf, peerUid } = this.#parts;
    return new Reopening(async () => ControlSocket.open(path, { controlled, peerUid, option: nameOf('control') }));
  }
}

/** Where the control socket is to be; `undefined`: nowhere. */
export function controlOf({ control }: Pick<ServeSettings, 'control'>): string | undefined {
  return control === 'off' ? undefined : control;
}
