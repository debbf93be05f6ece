/** Blocks threads for as long as a test wants: a service that is asked to `hold` waits until the gate is opened. */
import { expect, vi } from 'vitest';
import { TIMEOUT_MS } from './running.ts';

export interface Gate {
  /** For the service: who blocks a thread is counted in the second word, and goes on when the first is set. */
  readonly gate: Int32Array;
  open(): void;
  /** Resolves when so many block a thread. */
  held(count?: number): Promise<void>;
}

export function makeGate(): Gate {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  return {
    gate,
    open() {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    },
    held: (count = 1) => vi.waitFor(() => expect(gate[1]).toBe(count), { timeout: TIMEOUT_MS, interval: 1 }),
  };
}
