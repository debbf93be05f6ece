/** Watches the listening sockets of the epoll engine, and pauses and resumes accepting. */
import type { Poller } from '../reactor/poller.ts';
import { EPOLLIN, SHUT_RDWR } from '../sys/constants.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';
import type { Listeners } from '../acceptor/acceptor.ts';
import type { Listener, ResourceExhausted } from '../acceptor/listener.ts';

/** How long accepting pauses when the system is out of something, in ms; HAProxy's figure. */
const PAUSE_MS = 100;

export class EpollListeners implements Listeners {
  readonly #sys: Sys;
  readonly #poller: Poller;
  /** What the upper half of a listener's event data says; the lower half is its index. */
  readonly #mark: number;
  #listeners: readonly Listener[];
  #open = false;
  #pausedUntil = 0;

  constructor(sys: Sys, poller: Poller, mark: number, listeners: readonly Listener[]) {
    this.#sys = sys;
    this.#poller = poller;
    this.#mark = mark;
    this.#listeners = listeners;
  }

  pauseLeft(now: number): number | undefined {
    return this.#pausedUntil === 0 ? undefined : Math.max(0, this.#pausedUntil - now);
  }

  set(wanted: boolean, now: number): void {
    if (this.#pausedUntil !== 0 && now >= this.#pausedUntil) this.#pausedUntil = 0;
    const open = wanted && this.#pausedUntil === 0;
    if (open === this.#open) return;
    this.#open = open;
    for (const listener of this.#listeners) this.#poller.remove(listener.fd);
    if (!open) return;
    const added = this.#listeners.map(({ fd }, index) => this.#poller.add(fd, EPOLLIN, index, this.#mark));
    if (added.some((result) => result < 0)) this.#pause(now);
  }

  /**
   * Accepts the clients that wait at listener `index`, while `hasRoom`. Returns what the system is out of, if that ended
   * it: accepting then pauses.
   */
  accept(
    index: number,
    hasRoom: () => boolean,
    admit: (fd: number, peer: PeerAddress) => void,
  ): ResourceExhausted | undefined {
    const shortage = this.#listeners[index]?.accept(hasRoom, admit);
    if (shortage === undefined) return undefined;
    this.#pause(performance.now());
    return shortage;
  }

  /**
   * Accepts the clients that wait, then refuses all others: refusing first would reset those clients. At a socket that is
   * shared, later ones wait for whoever takes it next. The sockets remain main's, which opened them, to close.
   */
  close(hasRoom: () => boolean, admit: (fd: number, peer: PeerAddress) => void): void {
    this.set(false, performance.now());
    for (const listener of this.#listeners) {
      listener.accept(hasRoom, admit, Infinity);
      if (!listener.isShared) this.#sys.shutdown(listener.fd, SHUT_RDWR);
    }
    this.#listeners = [];
  }

  /** Goes away from the listeners: another process accepts the clients that wait. */
  leaveOpen(): void {
    this.set(false, performance.now());
    this.#listeners = [];
  }

  #pause(now: number): void {
    this.set(false, now);
    this.#pausedUntil = now + PAUSE_MS;
  }
}
