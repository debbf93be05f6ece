/** Tells the process that takes over what this one has counted: while it serves its last clients, and once more as it ends. */
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Word, writeWord } from './word.ts';

const TELL_INTERVAL_MS = 250;
/** How long the last word may wait for the other process to take those before it, in ms. */
const LAST_WORD_MS = 1000;

/*
 * Only this side says anything: a question that met a socket that was just closed would end the other side's before it has read the
 * last word (EPIPE).
 */
export class Successor {
  readonly #socket: Socket;
  readonly #word: (isLast: boolean) => Word;
  readonly #telling: NodeJS.Timeout;

  /** Takes over `fd`, one end of a pair of stream sockets. */
  constructor(fd: number, word: (isLast: boolean) => Word) {
    this.#word = word;
    this.#socket = new Socket({ fd }).unref();
    this.#socket.on('error', () => {}); // The link says when the other process is gone.
    this.#telling = setInterval(() => this.#tell(), TELL_INTERVAL_MS).unref();
    this.#tell();
  }

  /** Says the last word; resolves when it is on its way, or nobody takes it. */
  async end(): Promise<void> {
    clearInterval(this.#telling);
    const socket = this.#socket;
    if (socket.destroyed) return;
    const told = new Promise((resolve) => socket.once('close', resolve));
    socket.ref().end(writeWord(this.#word(true)), () => socket.destroy());
    await Promise.race([told, delay(LAST_WORD_MS, undefined, { ref: false })]);
    socket.destroy();
  }

  /** The other process is gone. */
  close(): void {
    clearInterval(this.#telling);
    this.#socket.destroy();
  }

  #tell(): void {
    // Whoever takes nothing for a while has the newest word soon enough.
    if (this.#socket.writableLength === 0 && !this.#socket.destroyed) this.#socket.write(writeWord(this.#word(false)));
  }
}
