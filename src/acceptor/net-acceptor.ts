/** The acceptor of the net engine: Node's own sockets, in Node's event loop. */
import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import { parseAddress } from '../ip-address.ts';
import { PARKED, type ThreadRow } from '../sharing/thread-board.ts';
import type { PeerAddress } from '../sys/sys.ts';
import { Acceptor, type AcceptorParts } from './acceptor.ts';
import type { Doorstep } from './doorstep.ts';
import type { ParkedListener, ToAcceptor } from './messages.ts';
import type { NetCarrier } from './net-carrier.ts';
import { NetDoor } from './net-door.ts';
import { Slots } from './slots.ts';
import type { SpareFile } from './spare-file.ts';

/** How often threads that have clients are looked at, in ms: nothing wakes the acceptor when one has work. */
const LOOK = 50;
/** How often a thread that has clients and no work is asked for a sign of life, in ms: what holds it may be no client's. */
const PING = 500;

export interface NetAcceptorParts extends AcceptorParts {
  readonly mover: NetCarrier;
  readonly listeners: readonly ParkedListener[];
  /** In ms; Infinity: never. */
  readonly keepAlive: number;
  readonly doorstep: Doorstep;
  readonly spare: SpareFile;
}

export class NetAcceptor extends Acceptor {
  protected readonly door: NetDoor;
  readonly #parts: NetAcceptorParts;
  readonly #slots: Slots;
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
    this.#slots = new Slots(parts.table);
    this.door = new NetDoor(parts.listeners, parts.spare, {
      arrived: (socket) => this.#arrived(socket),
      paused: (shortage) => this.paused(shortage),
    });
  }

  /** Looks around from now on. */
  start(): void {
    this.#attend();
  }

  override obey(message: ToAcceptor): boolean {
    const goesOn = super.obey(message);
    if (goesOn) this.#attend();
    return goesOn;
  }

  override threadReady(thread: number, clients?: MessagePort): void {
    if (clients !== undefined) this.#parts.mover.connect(thread, clients);
    super.threadReady(thread);
  }

  protected closeDoor(hasRoom: () => boolean, closed: () => void): void {
    this.#lets = hasRoom;
    this.door.close(hasRoom, closed);
  }

  protected release(row: ThreadRow): void {
    this.#parts.mover.disconnect(row.thread);
  }

  #arrived(socket: Socket): void {
    const { admission, doorstep, spare, table } = this.#parts;
    socket.on('error', ignore);
    if (this.#parts.keepAlive !== Infinity) socket.setKeepAlive(true, this.#parts.keepAlive);
    const peer = peerOf(socket);
    // Who has gone already has no address any more: it is as if it had not come.
    if (peer === undefined) return void socket.destroy();
    doorstep.put(socket);
    if (spare.hold()) this.admit(this.#slots.find(this.#clients), peer);
    else admission.reject(table.capacity, peer, 'over-limit');
    if (!this.#lets()) this.door.set(false, performance.now());
    if (this.#due > performance.now() + LOOK) this.#setTimer(LOOK);
  }

  readonly #attend = (): void => {
    const now = performance.now();
    this.look(now);
    if (now - this.#pingedAt >= PING) this.#ping(now);
    const timeout = this.timeout();
    this.#setTimer(this.#clients() > 0 ? Math.min(timeout, LOOK) : timeout);
  };

  #setTimer(delay: number): void {
    clearTimeout(this.#timer);
    this.#due = performance.now() + delay;
    this.#timer = setTimeout(this.#attend, delay);
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    for (const watch of this.#parts.roster.watches) {
      if (watch.row.state === PARKED && watch.row.clients > 0 && !watch.isOwing) watch.ring(now);
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
