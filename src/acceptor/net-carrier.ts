/** Used by the net engine to hand clients to their threads, where they stay. */
import type { MessagePort } from 'node:worker_threads';
import type { ArrivedClient } from '../connection/arrived-client.ts';
import type { Closer } from '../connection/closer.ts';
import type { ConnectionTable, Ticket } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Carrier } from './carrier.ts';
import type { Doorstep } from './doorstep.ts';
import type { SpareFile } from './spare-file.ts';

/*
 * A socket travels in a message. Should its thread end before it has taken the message, Node closes the socket with the
 * message. The slot says HELD by that thread from the start, so such a connection is counted like any other that ended
 * with its thread, and none is ever at rest: nobody but its thread can take it.
 */
export class NetCarrier implements Carrier {
  readonly moves = false;
  announces = false;
  readonly #table: ConnectionTable;
  readonly #closer: Closer;
  readonly #doorstep: Doorstep;
  readonly #spare: SpareFile;
  readonly #ports = new Map<number, MessagePort>();

  constructor(table: ConnectionTable, closer: Closer, doorstep: Doorstep, spare: SpareFile) {
    this.#table = table;
    this.#closer = closer;
    this.#doorstep = doorstep;
    this.#spare = spare;
  }

  /** Tells where `thread` takes its clients. */
  connect(thread: number, clients: MessagePort): void {
    this.#ports.set(thread, clients);
  }

  disconnect(thread: number): void {
    this.#ports.get(thread)?.close();
    this.#ports.delete(thread);
  }

  place(fd: number, ticket: Ticket, row: ThreadRow): void {
    row.addClients(1);
    this.#table.hold(fd, ticket);
    const socket = this.#doorstep.take();
    const port = this.#ports.get(row.thread);
    if (socket === undefined || port === undefined) throw new Error(`thread ${row.thread} cannot be given a client`);
    const client: ArrivedClient = { fd, ticket, socket };
    try {
      if (!this.#spare.spend(() => port.postMessage(client, [socket as never]))) this.#drop(client, row, 'over-limit');
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

  #drop({ fd, ticket, socket }: ArrivedClient, row: ThreadRow, reason: 'over-limit' | 'client-reset'): void {
    socket.destroy();
    this.#closer.close(fd, ticket, row, reason);
  }
}
