/** Clients that come without a pause: each connects, asks once, and leaves. Counts what became of them. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const OUTCOMES = ['answered', 'refused', 'reset', 'lost'] as const;
/** `lost`: the connection ended in order, but without the reply. */
export type Outcome = (typeof OUTCOMES)[number];

/** How long each dialer waits before it comes again, in ms: ports that were used a moment ago are not free yet. */
const BREATH = 4;

function dial(port: number, message: string, isReply: (text: string) => boolean): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const end = (outcome: Outcome): void => {
      socket.resetAndDestroy(); // Without it the port would not be free for a minute.
      resolve(outcome);
    };
    socket.on('connect', () => socket.write(message));
    socket.on('data', (data) => {
      text += String(data);
      if (text.endsWith('\n')) end(isReply(text) ? 'answered' : 'lost');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'));
    socket.on('end', () => end('lost'));
  });
}

export class Dialers {
  readonly counts: Record<Outcome, number> = { answered: 0, refused: 0, reset: 0, lost: 0 };
  readonly #running: readonly Promise<void>[];
  #isOver = false;

  /** Lets `count` clients come again and again to `port`, each with `message`. */
  constructor(port: number, count: number, message: string, isReply: (text: string) => boolean) {
    this.#running = Array.from({ length: count }, async () => {
      while (!this.#isOver) {
        this.counts[await dial(port, message, isReply)]++;
        await delay(BREATH);
      }
    });
  }

  /** Lets nobody come any more, and resolves when the last one has left. */
  async end(): Promise<Readonly<Record<Outcome, number>>> {
    this.#isOver = true;
    await Promise.all(this.#running);
    return this.counts;
  }
}
