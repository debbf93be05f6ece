/** Pauses and resumes accepting in the net engine. */
import type { Server, Socket } from 'node:net';
import { receiveMessageOnPort } from 'node:worker_threads';
import { HeddleError } from '../errors.ts';
import { resultOf } from '../sys/errno.ts';
import type { Listeners } from '../acceptor/acceptor.ts';
import type { ParkedListener } from '../acceptor/messages.ts';
import { type ResourceExhausted, resourceExhausted } from '../acceptor/listener.ts';
import type { ReserveFd } from './reserve-fd.ts';

/*
 * Node's server accepts whoever comes for as long as it listens, and closing it resets those who wait. But a server can
 * be posted to another thread, and while the message is on its way nobody accepts: so to close the door is to post the
 * server to ourselves, to open it is to take the message. Clients wait in the kernel meanwhile, as they do at an epoll
 * listener that is not watched.
 */

/** How long accepting pauses when the system is out of something, in ms; that of the epoll engine. */
const PAUSE_MS = 100;

/** So many turns of Node's loop without a client mean that nobody waits. */
const QUIET_TURNS = 2;
/** So many turns are waited at most: somebody may come all the time. */
const MOST_TURNS = 1000;

export interface ListenersHandler {
  arrived(socket: Socket): void;
  /** Accepting pauses: the system is out of something. */
  paused(shortage: ResourceExhausted): void;
}

export class NetListeners implements Listeners {
  #listeners: readonly ParkedListener[];
  readonly #listener: ListenersHandler;
  readonly #reserveFd: ReserveFd;
  /** Those that accept. */
  readonly #servers = new Map<ParkedListener, Server>();
  #isClosing = false;
  #pausedUntil = 0;
  /** Clients that have come so far. */
  #arrivals = 0;

  constructor(listeners: readonly ParkedListener[], spare: ReserveFd, listener: ListenersHandler) {
    this.#listeners = listeners;
    this.#reserveFd = spare;
    this.#listener = listener;
  }

  pauseLeft(now: number): number | undefined {
    return this.#pausedUntil === 0 ? undefined : Math.max(0, this.#pausedUntil - now);
  }

  set(wanted: boolean, now: number): void {
    if (this.#pausedUntil !== 0 && now >= this.#pausedUntil) this.#pausedUntil = 0;
    if (!this.#isClosing) this.#setOpen(wanted && this.#pausedUntil === 0);
  }

  /** Lets in who waits while `hasRoom`, then refuses all others and calls `closed`. */
  close(hasRoom: () => boolean, closed: () => void): void {
    this.#isClosing = true;
    let [turns, quiet, seen] = [0, 0, this.#arrivals];
    const turn = (): void => {
      this.#setOpen(hasRoom());
      quiet = this.#arrivals === seen ? quiet + 1 : 0;
      seen = this.#arrivals;
      if (quiet <= QUIET_TURNS && ++turns < MOST_TURNS) return void setImmediate(turn);
      this.#end();
      closed();
    };
    turn();
  }

  /** Refuses everybody from now on; who still waits is cut off. */
  #end(): void {
    this.#setOpen(true);
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    this.#listeners = [];
  }

  #setOpen(open: boolean): void {
    for (const listener of this.#listeners) {
      const server = this.#servers.get(listener);
      if (open && server === undefined) this.#servers.set(listener, this.#open(listener));
      else if (!open && server !== undefined && this.#park(server, listener)) this.#servers.delete(listener);
    }
  }

  #open({ inside, backlog }: ParkedListener): Server {
    const server: Server | undefined = receiveMessageOnPort(inside)?.message;
    if (server === undefined) throw lost();
    server.on('connection', (socket) => {
      this.#arrivals++;
      this.#listener.arrived(socket);
    });
    server.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    setBacklog(server, backlog);
    return server;
  }

  /** False: there is no file descriptor for it now, it goes on. */
  #park(server: Server, { outside }: ParkedListener): boolean {
    return this.#reserveFd.spend(() => {
      server.removeAllListeners();
      outside.postMessage(server, [server as never]);
    });
  }

  /** Any other error is that of one connection, which was lost while it waited. */
  #failed({ code }: NodeJS.ErrnoException): void {
    const result = resultOf(code);
    const shortage = result === undefined ? undefined : resourceExhausted(result);
    if (shortage !== undefined) this.#pause(shortage);
  }

  #pause(shortage: ResourceExhausted): void {
    if (this.#pausedUntil !== 0) return;
    const now = performance.now();
    this.#pausedUntil = now + PAUSE_MS;
    this.set(false, now);
    this.#listener.paused(shortage);
  }
}

/** A server that was posted listens with Node's own backlog; its types do not have the call that changes it. */
function setBacklog(server: Server, backlog: number): void {
  const { _handle: handle } = server as Server & { readonly _handle?: { listen?(backlog: number): number } };
  handle?.listen?.(backlog);
}

function lost(): HeddleError {
  const what = 'The listening socket was lost: the process had too many open files when accepting was to pause';
  return new HeddleError('HEDDLE_LISTEN', `${what}. Allow it more (ulimit -n), or fewer clients with maxClients`);
}
