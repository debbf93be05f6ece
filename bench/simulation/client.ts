/** Plays clients: each says a message, waits for the reply, and says the next. */
import type { Timeline } from './timeline.ts';

/** What one message costs its server beside the ordinary: CPU time, or time in which a handler only waits, in ms. */
export interface Message {
  readonly cpuMs: number;
  readonly blockMs: number;
}

/** A server that clients can talk to. */
export interface Server {
  connect(client: Client): void;
  /** `client` has sent its `message`. */
  arrived(client: Client): void;
}

/** How clients of a kind behave. */
export interface Behaviour {
  readonly kind: 'light' | 'heavy';
  /** Draws what the next message costs. */
  readonly draw: () => Message;
  /** How long a client waits after a reply until it says more, in ms. */
  readonly pause: () => number;
  /** How many messages a client sends before it goes. */
  readonly asks: number;
}

/** Takes note of a wait that is over, or that goes on at the end. */
export type Note = (client: Client, since: number, until: number) => void;

export class Client {
  readonly behaviour: Behaviour;
  /** 16 bytes. */
  readonly address: Uint8Array;
  /** What it has sent and its server has not read; a server sets it to `undefined` when it reads. */
  message: Message | undefined = undefined;
  /** The server's number of it. */
  fd = -1;
  turns = 0;
  /** When it sent what is not answered; -1: nothing. */
  sentAt = -1;
  readonly #timeline: Timeline;
  readonly #server: Server;
  readonly #note: Note;

  constructor(timeline: Timeline, server: Server, behaviour: Behaviour, address: Uint8Array, note: Note) {
    this.#timeline = timeline;
    this.#server = server;
    this.behaviour = behaviour;
    this.address = address;
    this.#note = note;
  }

  /** Whether it goes when it is answered. */
  get isLeaving(): boolean {
    return this.turns + 1 >= this.behaviour.asks;
  }

  readonly send = (): void => {
    this.message = this.behaviour.draw();
    this.sentAt = this.#timeline.now;
    this.#server.arrived(this);
  };

  /** The server has sent the reply. */
  answered(): void {
    const { now } = this.#timeline;
    this.#note(this, this.sentAt, now);
    this.sentAt = -1;
    this.turns++;
    if (this.turns < this.behaviour.asks) this.#timeline.after(this.behaviour.pause(), this.send);
  }
}
