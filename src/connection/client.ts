/** Defines what a service sees of a client. */
import type { Duration } from '../options/values/duration.ts';
import type { ReceiveOptions } from './asked/receive-within.ts';

/** What TLS has found out about a client. */
export interface ClientTls {
  /** Whether the client has shown a certificate that an authority in `tls.ca` signed. */
  readonly authorized: boolean;
  /** The protocol of `tls.alpn` that was agreed on. */
  readonly alpnProtocol: string | undefined;
  /** The host name that the client asked for. */
  readonly servername: string | undefined;
  /** Who the client's certificate is for, such as `{ O: 'Example', CN: 'alice' }`; `undefined` if none was asked for. */
  readonly subject: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** SHA-256 of the client's certificate, such as `5F:2C:…`: the same for no other certificate; `undefined` if none was asked for. */
  readonly fingerprint256: string | undefined;
  /** The number that its authority gave to the client's certificate, in hexadecimal; `undefined` if none was asked for. */
  readonly serialNumber: string | undefined;
}

/** An address of this machine. */
export interface LocalAddress {
  /** An IP address, such as `127.0.0.1` or `::1`; `unix` at a Unix socket. */
  readonly address: string;
  /** 0 at a Unix socket. */
  readonly port: number;
}

/** A client of a service with `stream`. Its socket is `stream`'s first argument; this says what a socket does not. */
export interface StreamedClient {
  /** The connection's number; no two connections of a server have the same. */
  readonly id: number;
  /** The client's IP address, such as `127.0.0.1` or `::1`; `unix` for a client of a Unix socket. Behind a load balancer, the client's own. */
  readonly remoteAddress: string;
  /** The client's port; 0 for a client of a Unix socket. */
  readonly remotePort: number;
  /** What TLS has found out about the client; `undefined` without TLS. */
  readonly tls: ClientTls | undefined;
  /**
   * Aborted when the thread wants to leave: the server drains or hands over to another process, new code is loaded, or the thread
   * is not needed any more. Finish what is under way, then end the socket: after `shutdownTimeout` the connection is cut off.
   */
  readonly leaving: AbortSignal;
  /** As `Client.idleTimeout`. */
  idleTimeout(duration: Duration): void;
}

/**
 * A client of the service. Its methods may be called on the thread that it was given to, and, for a service with
 * `message`, until the call that it was given to has ended: after that the client may be on another thread.
 */
export interface Client<Message = Buffer, R = Uint8Array | string | undefined, State = unknown>
  extends AsyncIterable<Message> {
  /** The connection's number; no two connections of a server have the same. */
  readonly id: number;
  /** The client's IP address, such as `127.0.0.1` or `::1`; `unix` for a client of a Unix socket. */
  readonly remoteAddress: string;
  /** The client's port; 0 for a client of a Unix socket. */
  readonly remotePort: number;
  /** What TLS has found out about the client; `undefined` without TLS. */
  readonly tls: ClientTls | undefined;
  /**
   * Where the client has connected: the address and port of this machine; behind a load balancer, where that has.
   *
   * Errors: `HEDDLE_CLOSED` if it is asked for the first time when the client is gone, or has moved to another thread.
   */
  readonly local: LocalAddress;
  /**
   * Aborted when the client is gone or has shut down its side, also while the service works and reads nothing. For a service with
   * `session`, also when the thread is to end. For a service with `message` it belongs to the call: ask for it in each. What a service
   * throws for it closes the client without a `service-error`.
   *
   * Errors: `HEDDLE_CLOSED` if the client has moved to another thread.
   */
  readonly signal: AbortSignal;
  /**
   * What the service keeps with the client from one message to the next: any value that can be cloned, of up to `maxClientState` bytes
   * when written down. It moves with the client and outlives its thread, a reload and a take-over. To change it, set it anew: what is
   * read is a frozen copy. `undefined`: nothing is kept.
   *
   * Errors: `HEDDLE_TOO_MUCH_STATE` if it is too large or shared memory has no room, TypeError if it cannot be cloned: then the state
   * is what it was. `HEDDLE_CLOSED` if the client has moved to another thread: for a service with `message`, after its call has ended.
   */
  state: State | undefined;

  /**
   * The name of the client's framing, of those in `framings` of the service; `undefined`: the one that `framing` says. Setting it holds
   * from the next message on, for what is read and what is sent. It moves with the client.
   *
   * Errors: `HEDDLE_INVALID_OPTION` if the service has no such framing; `HEDDLE_CLOSED` if the client has moved to another thread.
   */
  framing: string | undefined;

  /**
   * Sends a message. The promise settles when the client's share of memory has room again: await it before you send more, and
   * before you change the bytes of `message`, resize or transfer them.
   *
   * Errors: `HEDDLE_CLOSED` if the client is gone.
   */
  send(message: NonNullable<R>): Promise<void>;
  /**
   * Waits for the next message; `undefined` once the client has finished. For services with `session`. A wait that ends early loses
   * nothing: the next one goes on with what has come.
   *
   * Errors: `HEDDLE_CLOSED` if the client was cut off, `HEDDLE_TIMEOUT` after `timeout`, the reason of `signal`.
   */
  receive(options?: ReceiveOptions): Promise<Message | undefined>;
  /**
   * Reads bytes without a frame, as they come: at least one, at most `most` (64 KiB, which is also the largest value). `undefined` once the
   * client has finished. For services with `session`.
   *
   * Errors: those of `receive`.
   */
  read(most?: number, options?: ReceiveOptions): Promise<Buffer | undefined>;
  /**
   * Reads the bytes up to `mark`, without it, and leaves what is behind it. They are bound to `maxMessageLength` and `messageTimeout`, as a
   * message is. `undefined` once the client has finished. For services with `session`. As with `receive`, a wait that ends early loses
   * nothing.
   *
   * Errors: those of `receive`.
   */
  readUntil(mark: string | Uint8Array, options?: ReceiveOptions): Promise<Buffer | undefined>;
  /**
   * Reads the next `length` bytes in pieces of up to 64 KiB, as they come. It may be as long as it likes; `messageTimeout` counts for each
   * piece, and so does `timeout`. Stopping early (`break`, an error) skips the rest. For services with `session`.
   *
   * Errors: those of `receive`; `HEDDLE_CLOSED` also if the client ends before: it is closed with `bad-frame`.
   */
  body(length: number, options?: ReceiveOptions): AsyncIterable<Buffer>;
  /**
   * Sends all `pieces` as they are, without a frame, no faster than the client takes them. It asks for the next piece when the memory of the
   * last one may be changed; until then, long pieces are sent from there. Pieces of `body` that go straight to it share one Buffer.
   *
   * Errors: `HEDDLE_CLOSED` if the client is gone, and what `pieces` throws.
   */
  sendAll(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Whether `startTls` can begin TLS: the server has `tls` with `start: 'later'`, and TLS has not begun with this client. */
  readonly canStartTls: boolean;
  /**
   * Begins TLS in the middle of the connection (STARTTLS): what was sent before goes out first, and from then on all bytes are encrypted.
   * Resolves when the handshake is done, with what `tls` says from then on. The server needs the option `tls` with `start: 'later'`. For
   * services with `session`.
   *
   * Bytes that the client has sent behind its request, in plain text, are never read as if they had come under TLS: the client is closed
   * with `tls-error`.
   *
   * Errors: `HEDDLE_CLOSED` if the handshake fails or takes longer than `tlsHandshakeTimeout`: the client is closed with `tls-error`.
   * `HEDDLE_UNSUPPORTED` if the server has no TLS to start, or TLS has begun already. Until then, `send` rejects with the same code.
   */
  startTls(): Promise<ClientTls>;
  /**
   * Sets how long this client may be idle, in milliseconds or as text such as `90s`; `never`: for ever. It holds in place of the option
   * `idleTimeout` from now on, and moves with the client.
   *
   * Errors: `HEDDLE_INVALID_OPTION`; `HEDDLE_CLOSED` if the client has moved to another thread.
   */
  idleTimeout(duration: Duration): void;
  /** Sends what is still to be sent, then closes the connection with reason `server-finished`. */
  close(): void;
  /**
   * Ends this side of the connection behind what was sent: the client sees the end of the stream, and its messages still come. Nothing can
   * be sent after it: `send` rejects with `HEDDLE_CLOSED`, and a reply closes the client with `service-error`.
   */
  end(): void;
  /**
   * Closes the connection at once, with a reset (RST): what was not sent is lost. The reason is `server-finished`. Under TLS on the net
   * engine, the client sees an end.
   */
  reset(): void;
}
