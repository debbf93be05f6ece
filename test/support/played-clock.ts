/** `performance.now` in the hands of the test. */
import { onTestFinished, vi } from 'vitest';

export interface PlayedClock {
  now: number;
}

export function playClock(now = 100_000): PlayedClock {
  const clock = { now };
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => clock.now);
  onTestFinished(() => spy.mockRestore());
  return clock;
}
