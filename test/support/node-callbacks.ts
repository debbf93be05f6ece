/** Node's clock and callbacks in the hands of a test that runs without a pause. */

export interface NodeCallbacks {
  now(): number;
  tick(callback: () => void): void;
  timer(callback: () => void, delay: number): void;
}

/** Runs `act` while `performance.now`, `process.nextTick`, `setImmediate` and `setTimeout` are those of `callbacks`. */
export function withCallbacks<T>(callbacks: NodeCallbacks, act: () => T): T {
  const { setImmediate, setTimeout } = globalThis;
  const { nextTick } = process;
  const { now } = performance;
  performance.now = () => callbacks.now();
  process.nextTick = ((callback: () => void) => callbacks.tick(callback)) as typeof process.nextTick;
  globalThis.setTimeout = ((run: () => void, delay: number) => callbacks.timer(run, delay)) as typeof setTimeout;
  globalThis.setImmediate = ((run: () => void) => callbacks.timer(run, 0)) as typeof setImmediate;
  try {
    return act();
  } finally {
    performance.now = now;
    process.nextTick = nextTick;
    globalThis.setImmediate = setImmediate;
    globalThis.setTimeout = setTimeout;
  }
}
