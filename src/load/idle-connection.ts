/** Keeps a connection open that sends nothing. */

import type { Wires } from './wires/wires.ts';

export class IdleConnection {
  isOpen = false;
  readonly #wires: Wires;
  readonly #onOpen: (problem?: string) => void;

  /** `onOpen` is called when the connection was made, or not. */
  constructor(wires: Wires, onOpen: (problem?: string) => void) {
    this.#wires = wires;
    this.#onOpen = onOpen;
  }

  connect(): void {
    this.#wires.open({
      opened: () => {
        this.isOpen = true;
        this.#onOpen();
      },
      received: () => {},
      closed: (why) => {
        if (!this.isOpen) this.#onOpen(why);
        this.isOpen = false;
      },
    });
  }
}
