/** Carries the load on Node's sockets: under TLS, and where there is no epoll. */

import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Opening } from '../../client/open-socket.ts';
import { CLOSED_BY_SERVER, LONGEST_SLEEP_MS, type Ticker, type Wire, type WireListener, type Wires } from './wires.ts';

/** Node's timers may be this late: the thread waits awake for what is due sooner. */
const TIMER_SLACK_MS = 2;

export class NodeWires implements Wires {
  readonly #open: () => Opening;
  readonly #sockets = new Set<Socket>();
  /** When this turn of the event loop got its first bytes; `undefined`: it has none yet. */
  #turnStarted: number | undefined;

  /** `open`: begins to connect. */
  constructor(open: () => Opening) {
    this.#open = open;
  }

  open(listener: WireListener): Wire {
    const { socket, ready } = this.#open();
    this.#sockets.add(socket);
    let why = CLOSED_BY_SERVER;
    let isClosed = false;
    socket.once(ready, () => listener.opened(performance.now()));
    socket.on('data', (bytes: Buffer) => listener.received(bytes, this.#receivedAt()));
    socket.on('error', (error: NodeJS.ErrnoException) => (why = error.code ?? error.message));
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (!isClosed) listener.closed(why, performance.now());
    });
    return {
      // Node keeps the bytes that it is given, and the next message is written into the same ones.
      write: (bytes) => void socket.write(Buffer.from(bytes)),
      close: (reset = false) => {
        isClosed = true;
        if (reset) socket.resetAndDestroy();
        else socket.destroy();
      },
    };
  }

  #receivedAt(): number {
    const now = performance.now();
    if (this.#turnStarted === undefined) {
      this.#turnStarted = now;
      setImmediate(() => (this.#turnStarted = undefined));
    }
    return now;
  }

  lateness(now: number): number {
    return now - (this.#turnStarted ?? now);
  }

  async run(ticker: Ticker): Promise<void> {
    for (let due = ticker.next(); !Number.isNaN(due); due = ticker.next()) {
      const left = due - performance.now() - TIMER_SLACK_MS;
      if (left > 0) await sleep(Math.min(left, LONGEST_SLEEP_MS));
      else await nextTurn();
      ticker.tick(performance.now());
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
