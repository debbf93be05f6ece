/** Defines what a service thread of the net engine gets with each client; the socket is transferred with the message. */
import type { Socket } from 'node:net';
import type { Generation } from '../sharing/connection-table.ts';

export interface ArrivedClient {
  /** The number of its slot: Node's sockets have none that others could use. */
  readonly fd: number;
  readonly generation: Generation;
  readonly socket: Socket;
}
