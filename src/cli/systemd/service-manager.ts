/** Makes `heddle serve` a service of systemd: takes its sockets, reports each step, and answers its watchdog. */
import { setTimeout as delay } from 'node:timers/promises';
import { crash, HeddleError } from '../../errors.ts';
import type { Sys } from '../../sys/sys.ts';
import { Notifier } from './notifier.ts';
import type { Reloadable } from '../reload.ts';
import { type SystemdEnvironment, takeSystemdEnvironment } from './environment.ts';

/** What can be asked for a sign of life. */
export interface Pingable {
  ping(): Promise<void>;
}

export class ServiceManager {
  readonly #environment: SystemdEnvironment;
  readonly #notifier: Notifier | undefined;

  /** Used by `open`. */
  constructor(environment: SystemdEnvironment, notifier: Notifier | undefined) {
    this.#environment = environment;
    this.#notifier = notifier;
  }

  /** Takes over what `environment` says to process `pid`. Where there is no systemd, nothing is ever sent. */
  static open(environment: NodeJS.ProcessEnv, pid: number, openSys: () => Sys): ServiceManager {
    const taken = takeSystemdEnvironment(environment, pid);
    const notifier = taken.notifySocket === undefined ? undefined : new Notifier(openSys(), taken.notifySocket);
    return new ServiceManager(taken, notifier);
  }

  /** Listening sockets that were handed over, by file descriptor. */
  get listenFds(): readonly number[] {
    return this.#environment.listenFds;
  }

  /** Clients can be served; `mainPid`: by this process, whichever did before. */
  ready(mainPid?: number): void {
    this.#notify(mainPid === undefined ? 'READY=1' : `MAINPID=${mainPid}\nREADY=1`);
  }

  /** The server takes no more clients and ends soon. */
  stopping(): void {
    this.#notify('STOPPING=1');
  }

  /** Makes `server` tell of each reload. */
  announcing(server: Reloadable): Reloadable {
    return {
      reload: async () => {
        // hrtime is CLOCK_MONOTONIC, which systemd compares with its own.
        const now = process.hrtime.bigint() / 1_000n;
        this.#notify(`RELOADING=1\nMONOTONIC_USEC=${now}`);
        try {
          await server.reload();
        } finally {
          this.ready();
        }
      },
    };
  }

  /** Passes on the signs of life of `server`, twice as often as they are due; gives a function that stops it. */
  watch(server: Pingable): () => void {
    const ending = new AbortController();
    const { watchdog } = this.#environment;
    if (this.#notifier !== undefined && watchdog !== undefined) {
      // A server that does not answer, or has ended, is silent from then on: that is the sign.
      this.#giveSigns(this.#notifier, server, watchdog / 2, ending.signal).catch(() => {});
    }
    return () => ending.abort();
  }

  #notify(notice: string): void {
    this.#notifier?.notify(notice).catch(crash);
  }

  async #giveSigns(notifier: Notifier, server: Pingable, interval: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const isAlive = await server.ping().then(() => true, isStandstill);
      signal.throwIfAborted();
      if (isAlive) await notifier.notify('WATCHDOG=1');
      await delay(interval, undefined, { signal, ref: false });
    }
  }
}

/** No sign is given while all threads are blocked, but one may take a turn in time. */
function isStandstill(error: unknown): false {
  if (error instanceof HeddleError && error.code === 'HEDDLE_TIMEOUT') return false;
  throw error;
}
