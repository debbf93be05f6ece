// The clients of one server, and how long they wait.
import { connect } from 'node:net';

const PAUSE_MS = 20;

export class Clients {
  #waits = [];
  #pending = new Map();
  #worst = 0;

  /** `light` clients that say hello and wait for the reply, over and over, beside one that sends work without a pause. */
  constructor(port, light) {
    for (let id = 1; id <= light; id++) this.#talk(port, `hello ${id}`, PAUSE_MS, true);
    this.#talk(port, 'work', 0, false);
  }

  /** The longest wait since the last call, in ms; a client that still waits counts with what it has waited so far. */
  worstLately() {
    const now = performance.now();
    const worst = [...this.#pending.values()].reduce((most, since) => Math.max(most, now - since), this.#worst);
    this.#worst = 0;
    return worst;
  }

  /** Every wait of the light clients since the last call, in ms, the shortest first. */
  takeWaits() {
    const now = performance.now();
    const waits = [...this.#waits, ...[...this.#pending.values()].map((since) => now - since)];
    this.#waits = [];
    return waits.sort((a, b) => a - b);
  }

  #talk(port, line, pause, counts) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const say = () => {
      if (counts) this.#pending.set(socket, performance.now());
      socket.write(`${line}\n`);
    };
    socket.once('connect', say);
    socket.on('error', () => socket.destroy());
    // One line is under way at a time, and it is short: what arrives is the whole reply.
    socket.on('data', () => {
      if (counts) this.#answered(socket);
      setTimeout(say, pause);
    });
  }

  #answered(socket) {
    const wait = performance.now() - this.#pending.get(socket);
    this.#pending.delete(socket);
    this.#waits.push(wait);
    this.#worst = Math.max(this.#worst, wait);
  }
}
