import { expect, it } from 'vitest';
import { Openings } from '../../src/load/openings.ts';

function openings(count: number, rate: number) {
  const begun: number[] = [];
  const made = new Openings(
    Array.from({ length: count }, (_, index) => () => void begun.push(index)),
    rate,
  );
  return { begun, made };
}

it('begins some connections at once, in order, and one more for each that is made', () => {
  const { begun, made } = openings(100, Infinity);
  made.start(0);
  expect(begun).toEqual(Array.from({ length: 64 }, (_, index) => index));
  for (let count = 0; count < 100; count++) made.onOpen(1, undefined);
  expect([begun.length, made.isDone]).toEqual([100, true]);
});

it('begins no more connections a second than was asked for', () => {
  const { begun, made } = openings(10, 4);
  const begunAt = (now: number) => {
    made.more(now);
    while (begun.length > 0) {
      begun.pop();
      made.onOpen(now, undefined);
    }
    return made.isDone;
  };
  made.start(1_000);
  expect(begun).toEqual([0]);
  expect(begunAt(1_200)).toBe(false);
  made.more(1_500);
  expect(begun).toEqual([1, 2]);
  begunAt(1_500);
  made.more(2_249);
  expect(begun).toEqual([3, 4]);
  expect(begunAt(3_250)).toBe(true);
});

it('gives up a server that lets no connection be made, but does not count the time between connections', () => {
  const { made } = openings(2, 1);
  made.start(0);
  made.onOpen(10, undefined);
  made.check(900, 500);
  expect(made.problem).toBe(undefined);
  made.more(1_000);
  made.check(1_499, 500);
  expect(made.problem).toBe(undefined);
  made.check(1_500, 500);
  expect(made.problem).toBe('no answer in time after 1 connections');
});
