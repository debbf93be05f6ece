/** Node's clock and callbacks in the hands of a test that runs without a pause. */

export interface NodeCallbacks {
  now(): number;
  tick(callback: () => void): void;
  timer(callback: () => void, delay: number): void;
}

/** Runs `act` while `performance.now`, `process.nextTick` and `setTimeout` are those of `callbacks`. */
export function withCallbacks<T>(callbacks: NodeCallbacks, act: () => T): T {
  const { setTimeout } = globalThis;
  const { nextTick } = process;
  const { now } = performance;
  performance.now = () => callbacks.now();
  process.nextTick = ((callback: () => void) => callbacks.tick(callback)) as typeof process.nextTick;
  globalThis.setTimeout = ((run: () => void, delay: number) => callbacks.timer(run, delay)) as typeof setTimeout;
  try {
    return act();
  } finally {
    performance.now = now;
    process.nextTick = nextTick;
    globalThis.setTimeout = setTimeout;
  }
}
