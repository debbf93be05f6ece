/** One client of a stream service: what the service is told of it, and how its connection ends. */
import type { Socket } from 'node:net';
import { idleMilliseconds } from '../connection/asked/idle-timeout.ts';
import type { ClientTls, StreamedClient } from '../connection/client.ts';
import type { Duration } from '../options/values/duration.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { Generation } from '../sharing/connection-table.ts';
import { resultOf } from '../sys/errno.ts';
import { SocketGauge } from './socket-gauge.ts';
import { tlsProblem } from './tls-errors.ts';

/** A client whose socket a stream service gets. */
export interface ArrivedSocket {
  readonly fd: number;
  readonly generation: Generation;
  readonly socket: Socket;
  /** Under TLS, the socket below; otherwise the same. */
  readonly raw: Socket;
  readonly tls: ClientTls | undefined;
}

/** Who a client is, as its slot says. */
export interface SlotClient {
  readonly id: number;
  readonly address: string;
  readonly port: number;
}

export interface CloseCause {
  readonly reason: CloseReason;
  readonly detail?: string | undefined;
}

/** What a streamed client needs of its thread. */
export interface StreamedOwner {
  /** Called once, when Node has closed its fd. */
  readonly closed: () => void;
  /** Lets the client be idle for `timeout` ms, unless it is closed. */
  readonly mayIdle: (timeout: number) => void;
}

export class StreamedConnection implements StreamedClient {
  readonly fd: number;
  readonly generation: Generation;
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: ClientTls | undefined;
  readonly socket: Socket;
  readonly gauge: SocketGauge;
  readonly #owner: StreamedOwner;
  /** How many bytes are on record as kept for it. */
  kept = 0;
  /** How many bytes the kernel kept for it when its idle time was up. */
  untaken = 0;
  /** Made when it is asked for. */
  #leaving: AbortController | undefined;
  #isLeaving: boolean;
  /** Why the thread closes it. */
  #ending: CloseCause | undefined;
  #error: NodeJS.ErrnoException | null = null;
  /** The client has shut down its side before this one did. */
  #hasFinished = false;

  constructor(
    { fd, generation, socket, raw, tls }: ArrivedSocket,
    client: SlotClient,
    isLeaving: boolean,
    owner: StreamedOwner,
  ) {
    this.fd = fd;
    this.generation = generation;
    this.id = client.id;
    this.remoteAddress = client.address;
    this.remotePort = client.port;
    this.tls = tls;
    this.socket = socket;
    this.gauge = new SocketGauge(socket, raw);
    this.#isLeaving = isLeaving;
    if (client.port !== 0) showAddress(socket, client);
    socket.allowHalfOpen = false; // As from a `net.Server`; a service that wants to write after the client's end sets it.
    socket.on('error', this.#broken);
    socket.on('end', () => (this.#hasFinished ||= !socket.writableEnded && !socket.destroyed));
    this.#owner = owner;
    this.#watchEnd(owner.closed);
  }

  /** Without a listener, an error would end the thread. Node does not destroy a socket for an error of TLS. */
  readonly #broken = (error: Error): void => {
    this.#error ??= error;
    this.socket.destroy();
  };

  /** Not by a listener: libraries that begin TLS on the socket remove all listeners of others. */
  #watchEnd(closed: () => void): void {
    const { socket } = this;
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (error, done) => {
      this.#error ??= error;
      if (socket.listenerCount('error') === 0) socket.on('error', this.#broken);
      destroy(error, done);
      setImmediate(closed);
    };
  }

  idleTimeout(duration: Duration): void {
    this.#owner.mayIdle(idleMilliseconds(duration));
  }

  get leaving(): AbortSignal {
    this.#leaving ??= new AbortController();
    if (this.#isLeaving) this.#leaving.abort();
    return this.#leaving.signal;
  }

  /** Tells the service to end the connection. */
  leave(): void {
    this.#isLeaving = true;
    this.#leaving?.abort();
  }

  /** Lets what was written go out, then closes for `reason`. */
  finish(reason: CloseReason): void {
    this.#ending ??= { reason };
    this.socket.destroySoon();
  }

  /** Closes at once for `reason`. */
  end(reason: CloseReason): void {
    this.#ending ??= { reason };
    this.socket.destroy();
  }

  /** Closes at once for `reason`, and drops what was written and not sent; under TLS, the socket below is not ours to reset. */
  cutOff(reason: CloseReason, detail: string): void {
    this.#ending ??= { reason, detail };
    if (this.tls === undefined && this.gauge.canReset && !this.socket.destroyed) this.socket.resetAndDestroy();
    this.socket.destroy();
  }

  /** Why it is closed. */
  get cause(): CloseCause {
    if (this.#ending !== undefined) return this.#ending;
    if (this.#error !== null) return this.#causeOf(this.#error);
    if (this.#hasFinished) return { reason: 'client-finished' };
    return { reason: this.#isLeaving ? 'shutdown' : 'server-finished' };
  }

  #causeOf(error: NodeJS.ErrnoException): CloseCause {
    const { code = '', message } = error;
    if (resultOf(code) !== undefined) return { reason: 'client-reset', detail: code };
    if (this.tls !== undefined && code.startsWith('ERR_SSL')) return { reason: 'tls-error', detail: tlsProblem(error) };
    return { reason: 'server-finished', detail: message };
  }
}

/** Has the socket say what the slot says: Node asks the kernel, which knows the load balancer, and nobody once the client is gone. */
function showAddress(socket: Socket, { address, port }: SlotClient): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: address, configurable: true },
    remotePort: { value: port, configurable: true },
    remoteFamily: { value: address.includes(':') ? 'IPv6' : 'IPv4', configurable: true },
  });
}
