/** Tells the process that takes over what this one has counted: whenever it asks, and once more as this one ends. */
import { Socket } from 'node:net';
import { type Word, writeWord } from './word.ts';

export class Successor {
  readonly #socket: Socket;
  readonly #word: (isLast: boolean) => Word;

  /** Takes over `fd`, one end of a pair of stream sockets. */
  constructor(fd: number, word: (isLast: boolean) => Word) {
    this.#word = word;
    this.#socket = new Socket({ fd });
    this.#socket.on('error', () => {}); // The link says when the other process is gone.
    // It asks again once it has the answer: no more than two wait in the socket, which has room for them.
    this.#socket.on('data', () => void this.#socket.write(writeWord(word(false))));
    this.#socket.unref();
  }

  /** Says the last word; resolves when it is on its way, or nobody hears it any more. */
  async end(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.ref();
    socket.end(writeWord(this.#word(true)), () => socket.destroy());
    await closed;
  }

  /** The other process is gone. */
  close(): void {
    this.#socket.destroy();
  }
}
