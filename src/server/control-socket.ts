/** Opens the Unix socket at which the server's own user asks and tells it things; whoever else comes is turned away. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Answering } from '../admin/http-port.ts';
import type { Controlled } from '../admin/control/controlled.ts';
import { HeddleError } from '../errors.ts';

/** Its own user may connect. */
const MODE = 0o600;
/** How many connections there may be. More are closed as they come. */
const MAX_CONNECTIONS = 64;
/** How long a socket that the process before this one still has is waited for between two tries, in ms. */
const RETRY_MS = 50;

interface Parts {
  readonly controlled: Controlled;
  /** The user of whoever connected; `undefined` where that cannot be known: then the file's mode decides alone. */
  readonly peerUid: (fd: number) => number | undefined;
  /** How errors name the option that says where. */
  readonly option: string;
}

export class ControlSocket {
  readonly #parts: Parts;
  #path: string | undefined;
  #server: Server | undefined;
  #answering: Promise<Answering> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Where it is; `undefined`: nowhere. */
  get path(): string | undefined {
    return this.#server === undefined ? undefined : this.#path;
  }

  /** Errors: `HEDDLE_LISTEN`. */
  async open(path: string): Promise<void> {
    this.#path = resolve(path);
    await this.#listen(this.#path);
  }

  /** Opens it as soon as the process before this one, or after it, has closed it. */
  openSoon(path = this.#path): void {
    if (path === undefined || this.#server !== undefined) return;
    this.open(path).catch(() => {
      if (this.#path !== undefined) this.#retry = setTimeout(() => this.openSoon(), RETRY_MS).unref();
    });
  }

  /** Ends at once, with all its connections. `isFinal`: it is not opened again. */
  close(isFinal: boolean): void {
    clearTimeout(this.#retry);
    if (isFinal) this.#path = undefined;
    this.#server?.close(); // Takes the file away, too.
    this.#server = undefined;
    this.#answering?.then((answering) => answering.close()).catch(() => {});
    this.#answering = undefined;
  }

  async #listen(path: string): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket));
    server.maxConnections = MAX_CONNECTIONS;
    if (await isLeftBehind(path)) unlinkSync(path);
    await new Promise<void>((opened, refused) => {
      server.once('error', (error: NodeJS.ErrnoException) => refused(this.#error(path, error)));
      server.listen(path, () => {
        server.on('error', () => {}); // An accept that fails is the client's loss.
        opened();
      });
      if (server.listening) chmodSync(path, MODE); // It listens already: nobody has got in between but by the folder's leave.
    });
    server.unref(); // It keeps no process alive.
    if (this.#path === path) this.#server = server;
    else server.close();
  }

  #welcome(socket: Socket): void {
    socket.on('error', () => {});
    if (!this.#isOwnUser(socket)) return void socket.destroy();
    this.#answering ??= import('../admin/http-port.ts').then(({ answering }) => answering(this.#parts.controlled));
    this.#answering.then((answering) => answering.take(socket)).catch(() => socket.destroy());
  }

  /** The user of this process, or root. */
  #isOwnUser(socket: Socket): boolean {
    const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
    const uid = handle?.fd === undefined || handle.fd < 0 ? undefined : this.#parts.peerUid(handle.fd);
    return uid === undefined || uid === 0 || uid === process.getuid?.();
  }

  #error(path: string, error: NodeJS.ErrnoException): HeddleError {
    const errno = error.code === undefined ? {} : { errno: error.code };
    const text = `Cannot open the control socket ${path}: ${error.code ?? error.message}. Choose another path with ${this.#parts.option}`;
    return new HeddleError('HEDDLE_LISTEN', text, { cause: error, ...errno });
  }
}

/** Whether there is a socket at which nobody listens any more. */
async function isLeftBehind(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  return new Promise((tell) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      tell(false);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => tell(code === 'ECONNREFUSED'));
  });
}
