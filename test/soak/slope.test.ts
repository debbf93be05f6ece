import { expect, it } from 'vitest';
import { slope } from './slope.ts';

it('is that of a straight line, wherever it begins', () => {
  expect(slope([5, 7, 9, 11])).toBe(2);
  expect(slope([1, 0])).toBe(-1);
});

it('is 0 where values go up and down and stay', () => {
  expect(slope([1, 3, 3, 1])).toBe(0);
});

it('does not mind one value that is far off, not even the last', () => {
  expect(slope([1, 2, 3, 90, 5, 6])).toBe(1);
  expect(slope([1, 2, 3, 4, 5, 90])).toBe(1);
});

it('of noise around a line is that of the line', () => {
  expect(slope([1, 1, 5, 5, 9, 9, 13, 13])).toBeCloseTo(13 / 7, 0);
});

it('is not a number where there is no line', () => {
  expect(slope([])).toBeNaN();
  expect(slope([4])).toBeNaN();
});
