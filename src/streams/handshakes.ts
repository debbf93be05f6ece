/** Runs the TLS handshakes of new clients, within a time limit. */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Credentials } from '../options/tls/credentials.ts';
import { formatDuration } from '../options/values/duration.ts';
import type { Generation } from '../sharing/connection-table.ts';
import { ServerNames } from './server-names.ts';
import { handshakeProblem, tlsProblem } from './tls-errors.ts';

/** A client that is not through yet. */
export interface Newcomer {
  readonly fd: number;
  readonly generation: Generation;
}

export interface HandshakeListener {
  /** `raw`: the socket below. */
  secured(newcomer: Newcomer, socket: TLSSocket, raw: Socket): void;
  failed(newcomer: Newcomer, problem: string): void;
}

interface Underway extends Newcomer {
  readonly listener: HandshakeListener;
  timer: NodeJS.Timeout;
}

/**
 * A timer that comes this much too late, in ms, is not counted, once: the process was stopped, or the thread blocked, and Node
 * runs timers before it reads what has arrived meanwhile.
 */
const LATE = 500;
/** The longest that a timer of Node's can run, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Node's TLS server without a listening socket: it is given its clients. */
export class Handshakes {
  readonly #server: Server;
  readonly #listener: HandshakeListener;
  readonly #timeout: number;
  readonly #underway = new Map<Socket, Underway>();

  constructor(credentials: Credentials, listener: HandshakeListener) {
    this.#listener = listener;
    this.#timeout = credentials.handshakeTimeout;
    this.#server = serverFor(credentials);
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      const raw = rawSocket(socket);
      if (raw !== undefined) this.#fail(raw, handshakeProblem(error, socket));
    });
  }

  get size(): number {
    return this.#underway.size;
  }

  /** Seals tickets with `keys` from now on; those that were sealed before are no good any more. */
  useTicketKeys(keys: Uint8Array): void {
    this.#server.setTicketKeys(Buffer.from(keys));
  }

  /** Begins with a client, when all is out that was sent to it; what was not read of its socket is of the handshake. */
  begin(newcomer: Newcomer, socket: Socket, listener = this.#listener): void {
    socket.allowHalfOpen = false; // Until it is through, a client that shuts down its side has left.
    socket.on('error', ignore); // The TLS socket on it tells of it.
    const due = performance.now() + this.#timeout;
    const timer = setTimeout(() => this.#expired(socket, due), this.#timeout);
    this.#underway.set(socket, { ...newcomer, listener, timer });
    if (socket.writableLength === 0) this.#server.emit('connection', socket);
    else this.#beginWhenSent(socket);
  }

  #beginWhenSent(socket: Socket): void {
    // A write of nothing is done when those before it are.
    socket.write('', (error) => {
      if (error) this.#fail(socket, tlsProblem(error));
      else if (this.#underway.has(socket)) this.#server.emit('connection', socket);
    });
  }

  #expired(socket: Socket, due: number): void {
    const underway = this.#underway.get(socket);
    const expire = (): void => this.#fail(socket, `no handshake within ${formatDuration(this.#timeout)}`);
    if (underway === undefined || performance.now() - due < LATE) return expire();
    underway.timer = setTimeout(expire, this.#timeout);
  }

  /** Gives up the clients that have not sent anything, and that no service has seen, and returns them. */
  dropSilent(): Newcomer[] {
    const isSilent = ([socket, { listener }]: [Socket, Underway]) =>
      socket.bytesRead === 0 && listener === this.#listener;
    const silent = [...this.#underway].filter(isSilent).map(([socket]) => this.#end(socket));
    return silent.filter((newcomer) => newcomer !== undefined);
  }

  #secured(socket: TLSSocket): void {
    const raw = rawSocket(socket);
    const underway = raw && this.#forget(raw);
    if (raw === undefined || underway === undefined) return void socket.destroy();
    // From now on a client may shut down its side and wait for replies; before, that was its end.
    socket.allowHalfOpen = true;
    underway.listener.secured(underway, socket, raw);
  }

  #fail(socket: Socket, problem: string): void {
    const underway = this.#end(socket);
    underway?.listener.failed(underway, problem);
  }

  #end(socket: Socket): Underway | undefined {
    socket.destroy();
    return this.#forget(socket);
  }

  #forget(socket: Socket): Underway | undefined {
    const underway = this.#underway.get(socket);
    this.#underway.delete(socket);
    clearTimeout(underway?.timer);
    return underway;
  }
}

function serverFor(credentials: Credentials): Server {
  const { cert, key, ca, crl, requestClientCert, alpn, sni } = credentials;
  const common = {
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(crl.length > 0 && { crl: [...crl] }),
  } as const;
  const names = new ServerNames(sni, common);
  return createServer({
    ...common,
    cert,
    key,
    SNICallback: (name, found) => found(null, names.find(name)),
    ticketKeys: Buffer.from(credentials.ticketKeys),
    requestCert: requestClientCert,
    rejectUnauthorized: requestClientCert,
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    // Node's own only sees a client that is silent all the time; ours comes first, the second time too.
    handshakeTimeout: Math.min(2 * credentials.handshakeTimeout + 60_000, LONGEST_TIMER),
  });
}

/** The socket below: Node's types do not have it, and Node has no other way from one to the other. */
function rawSocket(socket: TLSSocket): Socket | undefined {
  const { _parent: raw } = socket as TLSSocket & { readonly _parent?: Socket };
  return raw;
}

function ignore(): void {}
