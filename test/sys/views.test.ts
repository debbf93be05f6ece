import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Views } from '../../src/sys/views.ts';

const bytes = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 251));

it('gives the same view again for the same short range', () => {
  const views = new Views(bytes);
  const view = views.of(10, 14);
  expect([...view]).toEqual([10, 11, 12, 13]);
  expect(views.of(10, 14)).toBe(view);
  expect([...views.of(11, 14)]).toEqual([11, 12, 13]);
  expect(views.of(10, 14)).toBe(view);
});

it('keeps no view of a long range', () => {
  const views = new Views(bytes);
  const view = views.of(0, 5000);
  expect(view).toHaveLength(5000);
  expect(views.of(0, 5000)).toEqual(view);
  expect(views.of(0, 5000)).not.toBe(view);
});

it('gives the bytes of the range that was asked for, whatever was asked for before', () => {
  const views = new Views(bytes);
  const range = fc.tuple(fc.nat(bytes.length), fc.oneof(fc.nat(3), fc.nat(bytes.length)));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 200 }), (ranges) => {
      for (const [start, length] of ranges) {
        const end = Math.min(start + length, bytes.length);
        const view = views.of(start, end);
        expect([view.byteOffset - bytes.byteOffset, view.length]).toEqual([start, end - start]);
      }
    }),
  );
});

it('knows a place far into a long buffer from one near its beginning', () => {
  const long = Buffer.alloc(2 ** 21 + 2);
  const views = new Views(long);
  for (const start of [0, 2 ** 20 - 1, 2 ** 20, 2 ** 21]) {
    const view = views.of(start, start + 1);
    expect(view.byteOffset - long.byteOffset).toBe(start);
  }
});
