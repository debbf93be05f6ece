/** Runs a service thread of the epoll engine whose clients are Node's: they speak TLS, or their service is one of streams. */
import { Socket } from 'node:net';
import type { LookTimes } from '../reactor/look-times.ts';
import type { Poller } from '../reactor/poller.ts';
import type { Turns } from '../reactor/reactor.ts';
import { PROXIED, type Generation } from '../sharing/connection-table.ts';
import { errnoName } from '../sys/errno.ts';
import type { EpollEvents, Sys } from '../sys/sys.ts';
import { type StreamEngine, StreamThread, type StreamThreadParts } from './stream-thread.ts';

/*
 * The acceptor puts a new client into this thread's epoll set as any other, and that is where the thread hears of it,
 * once; of a client behind a PROXY header it hears until that is read. From then on the client is Node's.
 *
 * A client has two fds. The first is the one that was accepted: its number is the slot's, and it stays open until the
 * slot is free. Node gets a duplicate, since it closes its fd when it likes, and a number that is closed may be another
 * client's at once.
 */

export interface TlsThreadParts extends StreamThreadParts {
  readonly sys: Sys;
  /** The thread's epoll set. */
  readonly newcomers: Poller;
  readonly alert: () => void;
}

export class TlsThread implements Turns, StreamEngine {
  readonly streams: StreamThread;
  readonly #parts: TlsThreadParts;
  #hasServed = false;

  constructor(parts: TlsThreadParts) {
    this.#parts = parts;
    this.streams = new StreamThread({ ...parts, beforehand: { sys: parts.sys, table: parts.table } }, this);
  }

  get time(): number {
    return this.streams.clients.time;
  }

  get looks(): LookTimes {
    return this.streams.clients.looks;
  }

  begin(): void {
    this.streams.clients.begin();
  }

  expect(events: EpollEvents, count: number): void {
    this.streams.clients.expect(events, count);
  }

  awaitsNode(): boolean {
    return this.streams.awaitsNode();
  }

  closeExpired(): void {
    this.streams.closeExpired();
  }

  /** Takes a new client; of one that it has, epoll does not tell. */
  serve(fd: number, generation: Generation): void {
    const { streams } = this;
    if (!streams.table.takeReady(fd, generation)) return;
    if (streams.clients.isDraining) return streams.refuse({ fd, generation }, 'shutdown');
    if (!this.#passesGate(fd, generation)) return;
    this.#parts.newcomers.remove(fd);
    streams.table.pin(fd, generation);
    const own = this.#parts.sys.duplicate(fd);
    if (own < 0) streams.refuse({ fd, generation }, 'over-limit', errnoName(own));
    else streams.add({ fd, generation }, new Socket({ fd: own, readable: true, writable: true, allowHalfOpen: true }));
  }

  arrived(fd: number, generation: Generation): void {
    this.serve(fd, generation);
  }

  /** Whether the handshake comes next; if not, the connection is idle again until more of its PROXY header comes, or is closed. */
  #passesGate(fd: number, generation: Generation): boolean {
    const { clients, table } = this.streams;
    const flags = table.flags(fd);
    if (!(flags & PROXIED)) return true;
    if (clients.proxyHeaders.read(fd, generation, true) === undefined) return false;
    table.setFlags(fd, flags & ~PROXIED);
    return true;
  }

  /** Under load the thread does not park between two turns of Node's loop that both bring something. */
  hasServed(): boolean {
    const hasServed = this.#hasServed;
    this.#hasServed = false;
    return hasServed;
  }

  served(): void {
    this.#hasServed = true;
  }

  roused(): void {
    this.#parts.row.waker.wake();
    this.#parts.alert();
  }
}
