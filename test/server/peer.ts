/** A client of plain bytes: says exactly what was received, in which pieces, and how it ended. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class Peer implements AsyncDisposable {
  readonly socket: Socket;
  readonly localPort: number;
  /** What has arrived and was not taken, in the pieces in which it came. */
  pieces: Buffer[] = [];
  /** The server has finished. */
  ended = false;
  /** The connection was cut off, by this error. */
  error: Error | undefined;
  #length = 0;
  #wake: () => void = () => {};

  /** Takes over a connected socket. */
  constructor(socket: Socket) {
    this.socket = socket;
    this.localPort = socket.localPort ?? 0;
    socket.on('data', (piece: Buffer) => {
      this.pieces.push(piece);
      this.#length += piece.length;
      this.#wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('error', (error) => {
      this.error = error;
      this.#wake();
    });
    socket.on('close', () => this.#wake());
  }

  static async connect(port: number, localAddress?: string): Promise<Peer> {
    const address = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true, ...address });
    await once(socket, 'connect');
    return new Peer(socket);
  }

  /** Connects to a Unix socket. */
  static async connectUnix(path: string): Promise<Peer> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new Peer(socket);
  }

  /** Connects `count` peers. */
  static connectAll(port: number, count: number): Promise<Peer[]> {
    return Promise.all(Array.from({ length: count }, () => Peer.connect(port)));
  }

  get isOver(): boolean {
    return this.ended || this.error !== undefined || this.socket.destroyed;
  }

  send(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** Shuts down this side. */
  finish(): this {
    this.socket.end();
    return this;
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves with the next `length` bytes; rejects if the end comes before. */
  async take(length: number): Promise<Buffer> {
    while (this.#length < length) {
      if (this.isOver) throw new Error(`it ended after ${this.#length} of ${length} bytes: ${this.error ?? 'end'}`);
      await this.#change();
    }
    const all = Buffer.concat(this.pieces);
    this.pieces = all.length === length ? [] : [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }

  /** Resolves with the next line, without its line feed. */
  async line(): Promise<string> {
    for (;;) {
      const at = Buffer.concat(this.pieces).indexOf(10);
      if (at >= 0) return (await this.take(at + 1)).toString('latin1').slice(0, -1);
      if (this.isOver) throw new Error(`it ended without a line: ${this.error ?? 'end'}`);
      await this.#change();
    }
  }

  /** Sends a line and resolves with the one that comes back. */
  ask(line: string): Promise<string> {
    this.send(`${line}\n`);
    return this.line();
  }

  /** Resolves with all bytes up to the server's end, and answers it with this side's; rejects if it was cut off. */
  async rest(): Promise<Buffer> {
    while (!this.isOver) await this.#change();
    if (this.error !== undefined) throw this.error;
    this.socket.end();
    const all = Buffer.concat(this.pieces);
    this.pieces = [];
    this.#length = 0;
    return all;
  }

  /** Resolves when the server has finished or cut the connection off. */
  async over(): Promise<void> {
    while (!this.isOver) await this.#change();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  /** Closes the socket and resolves when it is. */
  async leave(): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        before();
        this.#wake = () => {};
        resolve();
      };
    });
  }
}
