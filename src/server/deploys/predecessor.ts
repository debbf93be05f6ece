/** Hears what the process before this one has counted, while that one serves its last clients, and closes the account of the take-over. */
import { Socket } from 'node:net';
import type { Deploy } from '../../log/event.ts';
import { readWord, type Word } from './word.ts';

export interface PredecessorParts {
  readonly pid: number;
  /** One end of a pair of stream sockets; -1: a process of an earlier version, which tells nothing. */
  readonly fd: number;
  /** How many threads this process has. */
  readonly threads: () => number;
  readonly done: (deploy: Deploy) => void;
}

export class Predecessor {
  readonly #parts: PredecessorParts;
  readonly #since = performance.now();
  readonly #socket: Socket | undefined;
  #text = '';
  #word: Word | undefined;
  /** It says nothing more. */
  #isSilent: boolean;
  /** How many clients have come from it, once no more will. */
  #moved: number | undefined;

  constructor(parts: PredecessorParts) {
    this.#parts = parts;
    this.#isSilent = parts.fd < 0;
    if (this.#isSilent) return;
    this.#socket = new Socket({ fd: parts.fd }).setEncoding('utf8').unref();
    this.#socket.on('data', (text: string) => this.#hear(text));
    this.#socket.on('error', () => {}); // `close` follows.
    this.#socket.once('close', () => this.#silent());
  }

  get pid(): number {
    return this.#parts.pid;
  }

  /** What it has last said of itself: its last word, if it has ended in order. */
  get word(): Word | undefined {
    return this.#word;
  }

  /** It has ended, and this process knows all that it will ever know of it. */
  get isOver(): boolean {
    return this.#isSilent && this.#moved !== undefined;
  }

  /** No more clients come from it: `clients` have. */
  noMore(clients: number): void {
    this.#moved = clients;
    this.#closeAccount();
  }

  close(): void {
    this.#socket?.destroy();
  }

  #hear(text: string): void {
    const lines = `${this.#text}${text}`.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#word = readWord(line) ?? this.#word;
  }

  #silent(): void {
    this.#isSilent = true;
    this.#closeAccount();
  }

  #closeAccount(): void {
    const [moved, word] = [this.#moved, this.#word];
    if (moved === undefined || !this.#isSilent) return;
    const { done, pid, threads } = this.#parts;
    const isTold = word?.isLast === true;
    done({
      time: Date.now(),
      kind: 'take-over',
      result: 'success',
      ms: Math.round(performance.now() - this.#since),
      threads: threads(),
      moved,
      ...(word !== undefined && word.leaving),
      ...(!isTold && { detail: `process ${pid} has not told what became of its other clients` }),
    });
  }
}
