import { connect, type Socket } from 'node:net';
import { quietPort } from '../../support/quiet-port.ts';
import { p99 } from '../loads.ts';
import { least, type Row, within } from '../row.ts';

const IDLE = 1000;
const SLOW = 1000;
/** A slow connection sends a byte of its request so often, in ms. */
const BYTE_MS = 100;
/** Whoever is closed comes again after so long, in ms. */
const AGAIN_MS = 1000;
const MOST = 1.1;
const REQUEST = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n';

/** Connections to the port for metrics that say nothing, or their request byte by byte; all that are closed come again. */
class Crowd {
  readonly #port: number;
  readonly #idle = new Set<Socket>();
  readonly #slow = new Set<Socket>();
  readonly #sending: NodeJS.Timeout;
  #isOver = false;
  closed = 0;

  constructor(port: number) {
    this.#port = port;
    for (let count = 0; count < IDLE; count++) this.#come(this.#idle);
    for (let count = 0; count < SLOW; count++) this.#come(this.#slow);
    let at = 0;
    this.#sending = setInterval(() => {
      const byte = REQUEST[at++ % REQUEST.length] as string;
      for (const socket of this.#slow) if (!socket.connecting) socket.write(byte);
    }, BYTE_MS);
  }

  #come(crowd: Set<Socket>): void {
    if (this.#isOver) return;
    const socket = connect(this.#port, '127.0.0.1');
    crowd.add(socket);
    socket.resume();
    socket.on('error', () => {});
    socket.once('close', () => {
      this.closed++;
      crowd.delete(socket);
      setTimeout(() => this.#come(crowd), AGAIN_MS);
    });
  }

  end(): void {
    this.#isOver = true;
    clearInterval(this.#sending);
    for (const socket of [...this.#idle, ...this.#slow]) socket.destroy();
  }
}

export const watchers: Row = {
  fault: `${IDLE} idle and ${SLOW} slow connections to the port for metrics, which come again as they are closed`,
  asked: `a client’s p99 is at most ${MOST} × that without them (the best of 3 runs each); the port answers again when they are gone`,
  async run(stage) {
    const metrics = await quietPort();
    const server = await stage.start({ framing: 'line', threads: 2, metrics: { host: '127.0.0.1', port: metrics } });
    await p99(server);
    const alone = await least(0, () => p99(server));
    const crowd = new Crowd(metrics);
    // Those who are too many have been closed, and come again.
    await within(20_000, () => crowd.closed > IDLE + SLOW);
    const beside = await least(MOST * alone, () => p99(server));
    const { closed } = crowd;
    crowd.end();
    const { status } = await fetch(`http://127.0.0.1:${metrics}/readyz`);
    return {
      measured: `p99 ${alone.toFixed(2)} → ${beside.toFixed(2)} ms; ${closed} connections closed; then /readyz ${status}`,
      passed: beside <= MOST * alone && status === 200,
    };
  },
};
