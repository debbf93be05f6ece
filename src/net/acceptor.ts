/** Runs the acceptor of the net engine: Node's own sockets, in Node's event loop. */
import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import { parseAddress } from '../ip-address.ts';
import { PARKED, type ThreadRow } from '../sharing/thread-board.ts';
import type { PeerAddress } from '../sys/sys.ts';
import { Acceptor, type AcceptorParts } from '../acceptor/acceptor.ts';
import type { ArrivingSocket, NetDispatcher } from './dispatcher.ts';
import type { ParkedListener, ToAcceptor } from '../acceptor/messages.ts';
import { NetListeners } from './listeners.ts';
import { SlotAllocator } from './slot-allocator.ts';
import type { ReserveFd } from './reserve-fd.ts';

/** How often threads that have clients are looked at, in ms: nothing wakes the acceptor when one has work. */
const SCAN_INTERVAL_MS = 50;
/** How often a thread that has clients and no work is asked for a sign of life, in ms: what blocks it may be no client's. */
const PING_INTERVAL_MS = 500;

export interface NetAcceptorParts extends AcceptorParts {
  readonly migrator: NetDispatcher;
  readonly listeners: readonly ParkedListener[];
  /** In ms; Infinity: never. */
  readonly keepAlive: number;
  readonly arriving: ArrivingSocket;
  readonly reserveFd: ReserveFd;
}

export class NetAcceptor extends Acceptor {
  protected readonly listeners: NetListeners;
  readonly #parts: NetAcceptorParts;
  readonly #slots: SlotAllocator;
  /** Whether one more client is let in now. */
  #lets: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer ends, in `performance.now()` ms. */
  #due = 0;
  #pingedAt = 0;

  constructor(parts: NetAcceptorParts) {
    super(parts);
    this.#parts = parts;
    this.#lets = this.hasRoom;
    this.#slots = new SlotAllocator(parts.table);
    this.listeners = new NetListeners(parts.listeners, parts.reserveFd, {
      arrived: (socket) => this.#arrived(socket),
      paused: (shortage) => this.paused(shortage),
    });
  }

  /** Looks around from now on. */
  start(): void {
    this.#attend();
  }

  override onMessage(message: ToAcceptor): boolean {
    const goesOn = super.onMessage(message);
    if (goesOn) this.#attend();
    return goesOn;
  }

  override threadReady(thread: number, clients?: MessagePort): void {
    if (clients !== undefined) this.#parts.migrator.connect(thread, clients);
    super.threadReady(thread);
  }

  protected closeListeners(hasRoom: () => boolean, closed: () => void): void {
    this.#lets = hasRoom;
    this.listeners.close(hasRoom, closed);
  }

  protected release(row: ThreadRow): void {
    this.#parts.migrator.disconnect(row.thread);
  }

  #arrived(socket: Socket): void {
    const { admission, arriving, reserveFd, table } = this.#parts;
    socket.on('error', ignore);
    if (this.#parts.keepAlive !== Infinity) socket.setKeepAlive(true, this.#parts.keepAlive);
    const peer = peerOf(socket);
    // Who has gone already has no address any more: it is as if it had not come.
    if (peer === undefined) return void socket.destroy();
    arriving.put(socket);
    if (reserveFd.hold()) this.admit(this.#slots.find(this.#clients), peer);
    else admission.reject(table.capacity, peer, 'over-limit');
    if (!this.#lets()) this.listeners.set(false, performance.now());
    if (this.#due > performance.now() + SCAN_INTERVAL_MS) this.#setTimer(SCAN_INTERVAL_MS);
  }

  readonly #attend = (): void => {
    const now = performance.now();
    this.look(now);
    if (now - this.#pingedAt >= PING_INTERVAL_MS) this.#ping(now);
    const timeout = this.timeout();
    this.#setTimer(this.#clients() > 0 ? Math.min(timeout, SCAN_INTERVAL_MS) : timeout);
  };

  #setTimer(delay: number): void {
    clearTimeout(this.#timer);
    this.#due = performance.now() + delay;
    this.#timer = setTimeout(this.#attend, delay);
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    for (const watch of this.#parts.registry.watches) {
      if (watch.row.state === PARKED && watch.row.clients > 0 && !watch.isAwake) watch.wake(now);
    }
  }

  readonly #clients = (): number => this.#parts.board.clients;
}

function peerOf({ remoteAddress, remotePort }: Socket): PeerAddress | undefined {
  const [address = ''] = (remoteAddress ?? '').split('%'); // Without the zone of a link-local address.
  const bytes = parseAddress(address);
  return bytes && { bytes, port: remotePort ?? 0 };
}

function ignore(): void {}
