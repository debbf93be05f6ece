/** What a service thread is told of each of its clients in the net engine; the socket is transferred with the message. */
import type { Socket } from 'node:net';
import type { Ticket } from '../sharing/connection-table.ts';

export interface ArrivedClient {
  /** The number of its slot: Node's sockets have none that others could use. */
  readonly fd: number;
  readonly ticket: Ticket;
  readonly socket: Socket;
}
