import { expect, it } from 'vitest';
import { RestartBackoff } from '../../../src/server/threads/restart-backoff.ts';

function deathsAt(...times: number[]): RestartBackoff {
  const deaths = new RestartBackoff();
  for (const time of times) deaths.add(time);
  return deaths;
}

it('a few threads that die are replaced at once', () => {
  expect(deathsAt().wait(0)).toBe(0);
  expect(deathsAt(1000, 2000, 3000).wait(3000)).toBe(0);
});

it('the wait doubles with each more, up to a quarter of a second', () => {
  const deaths = deathsAt(0, 0, 0);
  const waits = Array.from({ length: 8 }, () => {
    deaths.add(0);
    return deaths.wait(0);
  });
  expect(waits).toEqual([10, 20, 40, 80, 160, 250, 250, 250]);
});

it('deaths of long ago do not count', () => {
  const deaths = deathsAt(0, 0, 0, 0, 1);
  expect(deaths.wait(9_999)).toBe(20);
  expect(deaths.wait(10_000)).toBe(0);
});

it('one death is no reason for a spare thread', () => {
  expect(deathsAt(100).spares(100)).toBe(0);
  expect(deathsAt(0, 1100).spares(1100)).toBe(0);
});

it('as many threads are spare as die while others are replaced', () => {
  const deaths = deathsAt(1000, 1100, 1200, 1300, 1400);
  expect(deaths.spares(1400)).toBe(4);
  expect(deaths.spares(2250)).toBe(1);
  expect(deaths.spares(2500)).toBe(0);
});
