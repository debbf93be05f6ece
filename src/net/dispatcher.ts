/** Hands clients of the net engine to their threads, where they stay. */
import type { MessagePort } from 'node:worker_threads';
import type { ArrivedClient } from './arrived-client.ts';
import type { Closer } from '../connection/end/close.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Dispatcher } from '../supervisor/dispatcher.ts';
import type { ReserveFd } from './reserve-fd.ts';
import type { Socket } from 'node:net';

/*
 * A socket travels in a message. Should its thread end before it has taken the message, Node closes the socket with the
 * message. The slot says PINNED by that thread from the start, so such a connection is counted like any other that ended
 * with its thread, and none is ever idle: nobody but its thread can take it.
 */
export class NetDispatcher implements Dispatcher {
  readonly moves = false;
  announces = false;
  readonly #table: ConnectionTable;
  readonly #closer: Closer;
  readonly #arriving: ArrivingSocket;
  readonly #reserveFd: ReserveFd;
  readonly #ports = new Map<number, MessagePort>();

  constructor(table: ConnectionTable, closer: Closer, arriving: ArrivingSocket, spare: ReserveFd) {
    this.#table = table;
    this.#closer = closer;
    this.#arriving = arriving;
    this.#reserveFd = spare;
  }

  /** Tells where `thread` takes its clients. */
  connect(thread: number, clients: MessagePort): void {
    this.#ports.set(thread, clients);
  }

  disconnect(thread: number): void {
    this.#ports.get(thread)?.close();
    this.#ports.delete(thread);
  }

  place(fd: number, generation: Generation, row: ThreadRow): void {
    this.#table.pin(fd, generation);
    const socket = this.#arriving.take();
    const port = this.#ports.get(row.thread);
    if (socket === undefined || port === undefined) throw new Error(`thread ${row.thread} cannot be given a client`);
    const client: ArrivedClient = { fd, generation, socket };
    try {
      if (!this.#reserveFd.spend(() => port.postMessage(client, [socket as never])))
        this.#drop(client, row, 'over-limit');
    } catch {
      this.#drop(client, row, 'client-reset'); // Node does not transfer what is broken already.
    }
  }

  move(): boolean {
    return false;
  }

  moveSome(): number {
    return 0;
  }

  evacuate(): boolean {
    return true;
  }

  #drop({ fd, generation, socket }: ArrivedClient, row: ThreadRow, reason: 'over-limit' | 'client-reset'): void {
    socket.destroy();
    this.#closer.close(fd, generation, row, reason);
  }
}

export class ArrivingSocket {
  #socket: Socket | undefined;

  put(socket: Socket): void {
    this.#socket = socket;
  }

  /** Takes the socket, if it is still here. */
  take(): Socket | undefined {
    const socket = this.#socket;
    this.#socket = undefined;
    return socket;
  }

  /** Closes the socket, if it is still here: what `close` is to an fd. A client that has a thread is its thread's to close. */
  readonly close = (): number => {
    this.take()?.destroy();
    return 0;
  };
}
