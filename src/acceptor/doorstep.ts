/** Used by the net engine to keep the socket of the client that is being let in until it is handed over or turned away. */
import type { Socket } from 'node:net';

export class Doorstep {
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
