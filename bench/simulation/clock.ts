/** Has the clock that threads share begin at 0, so that a simulation rounds times in the same way in each run. */

/** Loads a module while all clocks stand at 0: `src/sharing/clock.ts` compares two of them when it is loaded. */
export async function loadAtZero<Module>(load: () => Promise<Module>): Promise<Module> {
  const { now } = performance;
  const { bigint } = process.hrtime;
  performance.now = () => 0;
  process.hrtime.bigint = () => 0n;
  try {
    return await load();
  } finally {
    performance.now = now;
    process.hrtime.bigint = bigint;
  }
}
