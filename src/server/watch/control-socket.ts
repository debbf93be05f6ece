/** Opens the Unix socket at which the server's own user asks and tells it things; whoever else comes is turned away. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Answering } from '../../admin/http-port.ts';
import type { Controlled } from '../../admin/control/controlled.ts';
import { HeddleError } from '../../errors.ts';

/** Its own user may connect. */
const MODE = 0o600;
/** How many connections there may be. More are closed as they come. */
const MAX_CONNECTIONS = 64;

interface Parts {
  readonly controlled: Controlled;
  /** The user of whoever connected; -1: the kernel does not say; `undefined`: nobody can ask it, and the file's mode decides alone. */
  readonly peerUid: (fd: number) => number | undefined;
  /** How errors name the option that says where. */
  readonly option: string;
}

export class ControlSocket {
  readonly path: string;
  readonly #parts: Parts;
  readonly #server: Server;
  #answering: Promise<Answering> | undefined;

  private constructor(path: string, parts: Parts) {
    this.path = path;
    this.#parts = parts;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Errors: `HEDDLE_LISTEN`. */
  static async open(path: string, parts: Parts): Promise<ControlSocket> {
    const control = new ControlSocket(path, parts);
    try {
      if (await isLeftBehind(path)) unlinkSync(path);
      await control.#listen();
      return control;
    } catch (error) {
      control.close();
      throw openError(path, error as NodeJS.ErrnoException, parts.option);
    }
  }

  /** Ends at once, with all its connections. */
  close(): void {
    this.#server.close(); // Takes the file away, too.
    this.#answering?.then((answering) => answering.close()).catch(() => {});
  }

  async #listen(): Promise<void> {
    const server = this.#server;
    await new Promise<void>((opened, refused) => {
      server.once('error', refused);
      // `exclusive`: in a worker of `node:cluster`, too, it is this process's own, and listens when `listen` returns.
      server.listen({ path: this.path, exclusive: true }, () => {
        server.off('error', refused).on('error', () => {}); // An accept that fails is the client's loss.
        opened();
      });
      if (server.listening) chmodSync(this.path, MODE); // Nobody has got in between but by the folder's leave.
    });
    server.unref(); // It keeps no process alive.
  }

  #welcome(socket: Socket): void {
    socket.on('error', () => {});
    if (!this.#isOwnUser(socket)) return void socket.destroy();
    this.#answering ??= import('../../admin/http-port.ts').then(({ answering }) => answering(this.#parts.controlled));
    this.#answering.then((answering) => answering.take(socket)).catch(() => socket.destroy());
  }

  /** The user of this process, or root. */
  #isOwnUser(socket: Socket): boolean {
    const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
    const uid = this.#parts.peerUid(handle?.fd ?? -1);
    return uid === undefined || uid === 0 || uid === process.getuid?.();
  }
}

function openError(path: string, error: NodeJS.ErrnoException, option: string): HeddleError {
  const errno = error.code === undefined ? {} : { errno: error.code };
  const text = `Cannot open the control socket ${path}: ${error.code ?? error.message}. Choose another path with ${option}`;
  return new HeddleError('HEDDLE_LISTEN', text, { cause: error, ...errno });
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
